"""The number that a text states: grouped, with a decimal point or comma, as a fraction, with a unit, in words to twenty.

A text that states two different numbers, a range, or a number whose digits are grouped in no known way states none.
"""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import Decimal
from fractions import Fraction

from vreason.scoring.markup import boxed, plain_text

_WORD_LIST = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"),
    *("fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
_WORDS = {word: number for number, word in enumerate(_WORD_LIST)}
_LARGER = {"thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "thousand", "million", "billion", "dozen"}
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9}
_MINUS = "\u2212\u2010\u2011\u2012\ufe63\uff0d"
_DASHES = "\u2013\u2014"
_SUPERSCRIPTS = str.maketrans("", "", "²³¹⁰⁴⁵⁶⁷⁸⁹⁻⁺")
_DIGITS = r"\d+(?:(?:[.,'’٬]|(?<=\d)[ ](?=\d{3}(?!\d)))\d+)*"
_NUMERAL = rf"(?:{_DIGITS}|\.\d+)"
_STATED = re.compile(
    rf"(?<![_^\d.,])(?P<sign>(?<!\w)[-+]\s?)?(?:\$|€|£|¥)?\s?"
    rf"(?:(?P<whole>\d+)\s+(?P<above>\d+)\s*/\s*(?P<below>\d+)|(?P<top>{_NUMERAL})\s*/\s*(?P<bottom>{_NUMERAL})"
    rf"|(?P<plain>{_NUMERAL})(?:\s*[×x*]\s*10\s*\^?\s*\{{?(?P<power>[-+]?\d+)\}}?|[eE](?P<exponent>[-+]?\d+)(?![A-Za-z]))?)"
    rf"(?:\s*(?P<scale>hundred|thousand|million|billion)\b)?(?P<clock>:\d+)?",
)
_EXPONENT = re.compile(
    r"((?:\d|/)\s*(?:mm|cm|dm|km|m|s|h|ft|in|yd|mi|sec|met(?:er|re)s?|feet)(?:/(?:s|h|sec))?)\s*\^?\{?-?[23]\}?(?![\d.])"
)
_TOLD = re.compile(
    r"(?:\banswer\b|\btotal\b|\bresult\b|\bsum\b|答案|结果)[^.\n\d=]{0,30}?(?:\bis\b|\bof\b|:|=|是|为)?[^\d\n=.]{0,20}?(?=[-+]?[\d.])",
    re.IGNORECASE,
)


def number_of(text: str) -> float | None:
    """The number that a text states; None where it states none, several different ones, or one that cannot be read with certainty."""
    in_boxes = {value for content in boxed(text) if (value := _stated(_prepared(content))) is not None}
    if in_boxes:
        return in_boxes.pop() if len(in_boxes) == 1 else None
    prepared = _prepared(text)
    for part in (prepared, _after_equals(prepared), re.sub(r"\([^()]*\)", " ", prepared)):
        if part and (found := _stated(part)) is not None:
            return found
    told = {_stated(part) for part in _told(prepared)}
    if told:
        return told.pop() if len(told) == 1 else None
    return None if re.search(r"\d", prepared) else _in_words(prepared)


def _prepared(text: str) -> str:
    """One way of writing for minus signs, spaces, fractions, powers and LaTeX."""
    text = re.sub(r"(?<=10)[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda power: "^" + unicodedata.normalize("NFKC", power[0]).replace("\u2212", "-"), text)
    text = text.translate(_SUPERSCRIPTS)
    text = "".join(_fraction(each) for each in text)
    text = re.sub(r"(?<=\d)\s*(?=\\[dt]?frac)", " ", text)  # a mixed number
    text = re.sub(r"\\[dt]?frac\s*\{\s*(-?\d+)\s*\}\s*\{\s*(\d+)\s*\}", r"\1/\2 ", text)
    text = re.sub(r"\{\s*([,.])\s*\}", r"\1", text)  # 9{,}500
    text = re.sub(r"\^\s*\{?\s*\\circ\s*\}?|\\circ|\\degree", "°", text)
    text = re.sub(r"\\[,;:!> ]|\\(?:quad|thinspace|space)\b|~", " ", text)
    text = re.sub(r"\\times\b|\\cdot\b|·", "×", text)
    text = re.sub(r"\\([%$#&_])", r"\1", text)
    text = re.sub(r"\\(?:approx|sim|simeq)\b|[≈∼≃]", " ", text)
    text = unicodedata.normalize("NFKC", re.sub(r"(?<=\d)[eE](?=[-+]?\d)", "e", text)).replace("\u2044", "/")
    for minus in _MINUS:
        text = text.replace(minus, "-")
    text = re.sub(rf"(?:(?<=^)|(?<=[\s($=:\"'*]))[{_DASHES}]\s?(?=[\d.])", "-", text)  # typeset minus
    text = re.sub(rf"[{_DASHES}]", " to ", text)
    text = re.sub(r"(?<=\d)\s?×\s?10\s?\^", "×10^", text)
    text = plain_text(text.replace("×", " x "))
    for _ in range(2):  # cm^2, m/s2
        text = _EXPONENT.sub(r"\1", text)
    text = re.sub(r"(?<![\d.,])10\s?\^\s?\{?(-?\d+)\}?", r"1e\1", text) if " x " not in text else text
    return re.sub(r"\b(?:minus|negative)\s+(?=[\d.]|" + "|".join(_WORDS) + ")", "-", text, flags=re.IGNORECASE)


def _fraction(character: str) -> str:
    """½ as " 1/2": it may follow a whole number directly."""
    if (
        not character.isdigit()
        and unicodedata.category(character) == "No"
        and "\u2044" in (form := unicodedata.normalize("NFKC", character))
    ):
        return f" {form.replace(chr(0x2044), '/')}"
    return character


def _stated(text: str) -> float | None:
    """The one value among the numbers of a text; None where there is none, or there are several, or one cannot be read."""
    values = set()
    for match in _STATED.finditer(text):
        value = _value(match)
        if value is None:
            return None
        values.add(value)
    return values.pop() if len(values) == 1 else None


def _value(match: re.Match[str]) -> float | None:
    if match["clock"]:
        return None
    if match["whole"]:
        if int(match["below"]) == 0 or int(match["above"]) >= int(match["below"]):
            return None
        value = float(int(match["whole"]) + Fraction(int(match["above"]), int(match["below"])))
    elif match["top"]:
        top, bottom = _numeral(match["top"]), _numeral(match["bottom"])
        if top is None or not bottom or match.string[match.end() : match.end() + 2].strip().startswith("/"):
            return None  # a date
        value = top / bottom
    else:
        plain = _numeral(match["plain"])
        if plain is None:
            return None
        power = match["power"] or match["exponent"]
        value = float(f"{Decimal(plain)}e{power}") if power else plain
        if math.isinf(value):
            return None
    value *= _SCALES.get(match["scale"] or "", 1.0)
    return -value if (match["sign"] or "").strip() == "-" else value


def _numeral(digits: str) -> float | None:
    """Digits with separators; None where they are grouped in no known way."""
    marks = "".join(dict.fromkeys(re.findall(r"[^\d]", digits)))
    if not marks:
        return float(digits)
    if set(marks) <= {"."} and digits.count(".") == 1:
        return float(digits)
    if set(marks) <= {","} and digits.count(",") == 1 and not re.fullmatch(r"[1-9]\d{0,2},\d{3}", digits):
        return float(digits.replace(",", "."))
    decimal = marks[-1] if len(marks) == 2 and marks[-1] in ".," and digits.count(marks[-1]) == 1 else ""
    whole, _, part = digits.partition(decimal) if decimal else (digits, "", "")
    mark = marks[0]
    groups = whole.split(mark)
    english = re.fullmatch(r"\d{1,3}", groups[0]) and all(len(group) == 3 for group in groups[1:])
    indian = mark == "," and re.fullmatch(r"\d{1,2}", groups[0]) and len(groups[-1]) == 3 and all(len(group) == 2 for group in groups[1:-1])
    if len(marks) > (2 if decimal else 1) or not (english or indian) or not f"{''.join(groups)}{part}".isdigit():
        return None
    return float("".join(groups) + (f".{part}" if part else ""))


def _after_equals(text: str) -> str:
    """What stands behind the last "=": the result of a sum."""
    return text.rpartition("=")[2] if "=" in text else ""


def _told(text: str) -> list[str]:
    """From each number that words present as the answer to its sentence's end."""
    return [re.split(r"\n|(?<=\d)[.;,](?:\s|$)", text[match.end() :], maxsplit=1)[0] for match in _TOLD.finditer(text)]


def _in_words(text: str) -> float | None:
    """The one number that a text has in words, zero to twenty."""
    words = re.findall(r"-?[a-z]+", text.lower().replace("-", " -"))
    bare = [word.lstrip("-") for word in words]
    values = set()
    for index, word in enumerate(bare):
        if word in _LARGER:
            return None  # one beyond twenty is rather left unread than read in part
        if word in _WORDS:
            if index and words[index].startswith("-") and bare[index - 1] in _WORDS:
                return None
            values.add(float(_WORDS[word]) * (-1 if _is_minus(text, word) else 1))
    return values.pop() if len(values) == 1 else None


def _is_minus(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w)-{word}\b", text, re.IGNORECASE) is not None
