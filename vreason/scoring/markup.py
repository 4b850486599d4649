"""Text without the markup in which models dress it: Markdown, LaTeX, HTML, full-width characters."""

from __future__ import annotations

import re
import unicodedata

_COMMANDS = "text|textbf|textit|textrm|texttt|mathbf|mathrm|mathsf|mathit|mathbb|bm|emph|underline|operatorname|mbox|boldsymbol"
_STYLE = re.compile(rf"\\(?:{_COMMANDS}|boxed|fbox)\s*\{{([^{{}}]*)\}}")
_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
_DELIMITERS = re.compile(r"\$|\\[()\[\]]")
_EMPHASIS = re.compile(r"\*+|`+|(?<!\w)_+|_+(?!\w)|~~")
_HTML = re.compile(r"</?(?:b|i|u|em|strong|p|br|span|code|div|center|mark)\b[^<>]*>", re.IGNORECASE)
_LINE = re.compile(r"^[ \t]*(?:#+|>|[-•](?=\s))[ \t]*", re.MULTILINE)
_SPECIAL = re.compile(r"<\|[^<>|]*\|>|</s>|<eos>")  # tokens that leaked into the text
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))


def plain_text(text: str) -> str:
    """The text without emphasis, LaTeX styles and delimiters, HTML tags and marks of headings and lists; full-width letters as ASCII."""
    text = unicodedata.normalize("NFKC", _SPECIAL.sub("", text)).translate(_INVISIBLE)
    previous = None
    while previous != text:  # commands stand inside each other
        previous, text = text, _STYLE.sub(r"\1", text)
    text = _HTML.sub(" ", _DELIMITERS.sub("", text))
    return _EMPHASIS.sub("", _LINE.sub("", text)).strip()


def boxed(text: str) -> list[str]:
    r"""What stands inside ``\boxed{...}``, braces balanced."""
    found = []
    for match in _BOX.finditer(text):
        depth, start = 1, match.end()
        for at in range(start, len(text)):
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            if depth == 0:
                found.append(text[start:at])
                break
    return found
