"""Which option a text chooses: by its letter, in every unambiguous way in which models write one, or by the option's own text.

A text that names two options, that denies one, or whose letter and words are of different options, chooses none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from vreason.scoring.markup import boxed, plain_text
from vreason.scoring.numbers import number_of

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OPENING, _CLOSING = r"[\"'“”‘’«「『【〔(\[{<]*", r"[\"'“”‘’»」』】〕)\]}>]*"
_AROUND = " \t\r\n\"'“”‘’«»「」『』【】〔〕()[]{}<>.,:;!。、"
_JOINING = r"(?:or|and|&|/|\+|,|、|或|和|或者|及|と|vs\.?)"
_MAYBE = r"(?:(?:most|clearly|definitely|probably|likely|therefore|thus|simply|indeed|obviously|certainly|just)\s+)*"
_OPTION = r"(?:(?:the\s+)?(?:option|choice|letter|answer|statement|选项)s?\s*(?:is\s+)?:?\s*)?"
_WRONG = r"(?:wrong|incorrect|not|false|excluded|ruled\s+out|eliminated|out|inaccurate|不对|错)"
_GOOD = r"(?:correct|right|best|true|accurate|appropriate|suitable|answer|likely|choice|option)"
_VERBS = r"(?:choose|chose|pick|picked|select|selected|go(?:ing)?\s+with|went\s+with|opt(?:ing)?\s+for|vote\s+for|settle\s+on|say|guess)"
_SENTENCE = 80  # characters of a reply that is one sentence
_DOUBT = re.compile(
    r"\b(?:not|no|never|neither|nor|or|cannot|unclear|unsure|unknown|whether|if|either|maybe|perhaps|except|without|unlike|instead|than)\b|n['’]t\b|\?",
    re.IGNORECASE,
)
_CJK = r"(?:正确答案|最终答案|正确选项|答案|选项|选择|應選|应选|故选|因此选|所以选|选|選|正解|答え|回答|정답|답)"
_LEAD_IN = re.compile(
    r"^(?:(?:so|thus|therefore|hence|well|ok|okay)\b,?\s*)?(?:(?:the|my|final|correct|right|best|most\s+likely)\s+)*"
    r"(?:answer|option|choice|response)\b[\"']?\s*(?:is|:|=|->|→)+\s*(?:that\s+)?",
    re.IGNORECASE,
)
_COPULA = re.compile(r"^(?:it\s+is|it'?s|it’s|this\s+is|that\s+is|that'?s|they\s+are|it\s+was|i\s+think|i\s+believe)\s+", re.IGNORECASE)


def letter_of(prediction: str, options: Sequence[str]) -> str | None:
    """The letter of the option that a text chooses; None where it chooses none, or no single one.

    Args:
        prediction: an extracted answer, or a whole reply without its reasoning.
        options: their texts without letters, in order; none where they are not known, then any letter is one.
    """
    letters = _LETTERS[: len(options)] if options else _LETTERS
    in_boxes = {found for content in boxed(prediction) if (found := _choice(plain_text(content), letters, options))}
    if in_boxes:
        return in_boxes.pop() if len(in_boxes) == 1 else None
    return _choice(plain_text(prediction), letters, options)


def _choice(text: str, letters: str, options: Sequence[str]) -> str | None:
    alone = re.sub(r"^\W+|\W+$", "", text)
    if len(alone) == 1 and alone.upper() in letters and alone.isascii() and "?" not in text:
        return alone.upper()
    if found := _by_text(text, letters, options):
        return found
    if "?" in text and len(text) < 60:
        return None  # a reply that asks back
    without = _without_denials(text, letters)
    for rule in (_leading, _told):
        found = rule(without, letters, options)
        if found is not None:
            return found or None
    return _by_number(text, letters, options) or _by_mention(text, letters, options)


def _by_number(text: str, letters: str, options: Sequence[str]) -> str | None:
    """Where all options are numbers: the letter of the one that the text states."""
    numbers = [number_of(option) if re.fullmatch(r"[-+\u2212]?[\d.,\s]+", option.strip()) else None for option in options]
    stated = number_of(text) if numbers and None not in numbers else None
    same = [letter for letter, number in zip(letters, numbers, strict=False) if number == stated]
    return same[0] if stated is not None and len(same) == 1 else None


def _by_text(text: str, letters: str, options: Sequence[str]) -> str | None:
    """The letter of the one option whose text this is, with or without "The answer is" before it, or its letter in brackets behind it."""
    behind = re.fullmatch(rf"(.*?)\s*[(\[]([{letters}])[)\]]\W*", text.strip(), re.DOTALL)
    if behind is not None and letters.index(behind[2]) < len(options) and _bare(options[letters.index(behind[2])]) == _bare(behind[1]):
        return behind[2]
    without = _LEAD_IN.sub("", text.strip(_AROUND))
    for form in (text, without, _COPULA.sub("", without), text.strip().split("\n")[0]):
        same = [letter for letter, option in zip(letters, options, strict=False) if _bare(option) == _bare(form) != ""]
        if len(same) == 1:
            return same[0]
    return None


def _by_mention(text: str, letters: str, options: Sequence[str]) -> str | None:
    """The one option that a short sentence names in its own words; none where it denies or doubts."""
    opening, rest = re.split(r"[,.;:!\n]|$", text.strip(), maxsplit=1)
    leading = [letter for letter, option in zip(letters, options, strict=False) if _bare(option) == _bare(opening) != ""]
    if len(leading) == 1 and _mentioned(rest, letters, options) <= set(leading):
        return leading[0]
    if len(text) > _SENTENCE or _DOUBT.search(text) or re.search(rf"[(\[][{letters}][)\]]", text):
        return None
    named = _mentioned(text, letters, options)
    return named.pop() if len(named) == 1 else None


def _mentioned(text: str, letters: str, options: Sequence[str]) -> set[str]:
    """Letters of options whose texts stand in a text as whole words; of one that holds another only the longer."""
    left, found = f" {_bare(text)} ", set[str]()
    for letter, option in sorted(zip(letters, options, strict=False), key=lambda each: -len(_bare(each[1]))):
        pattern = rf"(?<![\w-]){re.escape(_bare(option))}(?![\w-])"
        if len(_bare(option)) > 1 and re.search(pattern, left):
            found.add(letter)
            left = re.sub(pattern, " ", left)
    return found


def _bare(text: str) -> str:
    """An option's text for comparison: no markup, lower case, single spaces, no article, quotes or brackets around, stop behind."""
    bare = " ".join(plain_text(text).casefold().split()).strip(_AROUND)
    return re.sub(r"^(?:an?|the)\s+", "", bare)


def _without_denials(text: str, letters: str) -> str:
    """The text without options that it denies: "not A", "rather than (B)", "C is wrong"."""
    letter = rf"{_OPENING}[{letters}](?!\w|['’]\w){_CLOSING}"
    more = rf"(?:\s*{_JOINING}\s*{letter})*"
    before = rf"\b(?:not|n't|rather\s+than|instead\s+of|neither|nor|exclude[sd]?|eliminate[sd]?|不是|不选|而不是)\s+{_OPTION}{letter}{more}"
    verb = r"(?:is|are|was|were|can|could|does|do|seems?)"
    after = rf"(?<!\w){_OPTION}{letter}{more}\s+{verb}\s*(?:be\s+)?(?:clearly\s+|definitely\s+)?{_WRONG}\b"
    return re.sub(after, " ", re.sub(before, " ", text, flags=re.IGNORECASE), flags=re.IGNORECASE)


def _leading(text: str, letters: str, options: Sequence[str]) -> str | None:
    """A letter at the very beginning, set off from what follows; "" where something contradicts it."""
    match = re.match(
        rf"\s*{_OPENING}([{letters}{letters.lower()}])(?!['’]\w)(?:[\"'”’»」』】〕)\]}}>]+\s*[.:,;、。\-–—]?|\s*[.:,;、。]|\s+[-–—]+(?=\s)|[-–—](?=\s)|\s*\n)\s*(.*)$",
        text,
        re.DOTALL,
    )
    if match is None:
        match = re.match(rf"\s*([{letters}])\s+(.*)$", text, re.DOTALL)
        if match is None or not _follows_bare(match[1], match[2], letters, options):
            return None
    letter, rest = match[1].upper(), match[2]
    if match[1].islower() and re.match(r"[a-z]\b", rest) and rest[0] in letters.lower():
        return ""
    return "" if _contradicts(letter, rest, letters, options) else letter


def _follows_bare(letter: str, rest: str, letters: str, options: Sequence[str]) -> bool:
    """Whether what follows a letter without a mark between shows that it is one: its option's text, or "is correct" and the like."""
    if letter in letters[: len(options)] and _bare(options[letters.index(letter)]) == _bare(rest):
        return True
    words = rf"(?:(?:is|seems|looks|would\s+be|must\s+be|should\s+be)\s+{_MAYBE}(?:the\s+)?{_MAYBE}{_GOOD}|because|since|it\s+is)\b"
    return re.match(words, rest, re.IGNORECASE) is not None


def _contradicts(letter: str, rest: str, letters: str, options: Sequence[str]) -> bool:
    """Whether what follows a leading letter speaks for another option."""
    other = "".join(each for each in letters if each != letter)
    if not other:
        return False
    if re.match(rf"(?:{_JOINING}\s*)?{_OPTION}{_OPENING}[{other}]{_CLOSING}\s*(?:$|[.,:;)/&、。]|{_JOINING}\b)", rest):
        return True  # "A, B", "A. or B"
    if re.match(rf"{_JOINING}\s*{_OPTION}{_OPENING}[{other}](?!\w|['’]\w)", rest, re.IGNORECASE):
        return True
    if re.search(rf"^\s*{_OPENING}[{other}]\s*[.):]\s*\S", rest, re.MULTILINE):
        return True  # a list of the options
    told = _told(rest, letters, options)
    if told is not None and told != letter:
        return True
    named = _by_text(re.split(r"\n|(?<=\w)[.;](?:\s|$)", rest, maxsplit=1)[0], letters, options)
    return named is not None and named != letter


def _told(text: str, letters: str, options: Sequence[str]) -> str | None:
    """A letter that words present as the choice: "the answer is B", "I choose B", "B is correct"; "" where they present several."""
    del options
    # "A video" names no option, nor does "I": a letter of a word's length counts where no word of the sentence follows it
    article = r"(?:(?<![AI])|(?<=[AI])(?!\s+(?!because\b|since\b|as\b|and\b|but\b|is\b|or\b|with\b|based\b|given\b)[a-z]))"
    small = rf"(?<=[(\[\"'])[{letters.lower()}](?=[)\]\"'])|[{letters.lower()}](?=\s*(?:[.)]?\s*$|[.):]\s))"
    letter = rf"{_OPENING}((?-i:[{letters}](?!\w|['’]\w)|{small})){article}{_CLOSING}"
    more = rf"(?P<more>\s*(?:{_JOINING}\s*)+{_OPTION}{_OPENING}(?-i:[{letters}])(?!\w|['’]\w))?"
    rules = (
        (
            rf"\b(?:answer|ans\.?|solution|response|respuesta|antwort|réponse|resposta|risposta|ответ)(?!\w)[\"']?(?:[^.\n:]{{0,60}}?\s(?:is|was|be|es|ist|est|é|è)\b|\s*[:=]|\s*->|\s*→)?\s*:?\s*{_MAYBE}{_OPTION}{letter}{more}",
            rf"{_CJK}\s*(?:应该|應該|应当|就|只能)?\s*(?:是|为|為|は|은|는|:)*\s*{_OPENING}((?-i:[{letters}](?![A-Za-z0-9_]))){_CLOSING}{more}",
        ),
        (
            rf"\b(?:option|choice|letter)\b\s*(?:is|:)?\s*{letter}{more}",
            rf"\b{_VERBS}\s+{_MAYBE}{_OPTION}{letter}{more}",
            rf"(?<![\w'’]){letter}\s+(?:is|seems|looks|would\s+be|must\s+be|should\s+be)\s+{_MAYBE}(?:the\s+)?{_MAYBE}{_GOOD}\b(?P<more>(?!))?",
            rf"\b(?:it\s+is|it'?s|it’s|is|be|think|probably|definitely|certainly|therefore|thus|so|hence|conclude|guess|but|likely)[\s:,]+{_OPENING}"
            rf"((?-i:[{letters}](?!\w|['’]\w)))[\"'”’)\]}}]*\s*(?P<more>{_JOINING}\s*{_OPENING}(?-i:[{letters}])(?!\w|['’]\w))?(?=[.!,;。\s]*(?:$|\n)|(?<=\w)\s+{_JOINING})",
        ),
    )
    for tier in rules:
        matches = [match for rule in tier for match in re.finditer(rule, text, re.IGNORECASE)]
        if any(match["more"] for match in matches):
            return ""
        found = {match[1].upper() for match in matches}
        if found:
            return found.pop() if len(found) == 1 else ""
    return None
