"""vreason.scoring.letters: an option is read from every unambiguous form, and from no ambiguous one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from vreason.scoring.letters import letter_of
from vreason.scoring.scorers import score

FOUR = ("left", "right", "up", "down")
OPTIONS = ("red ball", "blue cube", "green cone", "grey dog")


@pytest.mark.parametrize(
    ("prediction", "letter"),
    [
        ("A", "A"),
        ("D", "D"),
        (" B ", "B"),
        ("A.", "A"),
        ("(A)", "A"),
        ("(C).", "C"),
        ("B)", "B"),
        ("C:", "C"),
        ("A) left", "A"),
        ("A. left", "A"),
        ("(B) right", "B"),
        ("D: down", "D"),
        ("the answer is A", "A"),
        ("The answer is: (B)", "B"),
        ("The correct answer is D.", "D"),
        ("Answer: C", "C"),
        ("option (B)", "B"),
        ("Option C", "C"),
        ("left", "A"),
        ("Down.", "D"),
        ("a", "A"),
    ],
)
def test_letter_forms(prediction: str, letter: str) -> None:
    """Each way in which models name an option."""
    assert letter == letter_of(prediction, FOUR)
    assert 1.0 == score(prediction, letter, "multiple choice", FOUR)


@pytest.mark.parametrize(
    "prediction",
    [
        *("", "E", "I", "Zebra", "none", "leftwards", "left or right"),
        *("A video of a cat", "I think so", "Because it moves", "the answer is a matter of taste"),
    ],
)
def test_no_letter_is_none(prediction: str) -> None:
    """An article, a pronoun, a letter beyond the options, other words: no option."""
    assert letter_of(prediction, FOUR) is None
    assert 0.0 == score(prediction, "A", "multiple choice", FOUR)


def test_pronoun_i_among_ten_options() -> None:
    """With an option I, a sentence that begins with the pronoun still names the letter after "the answer is"."""
    ten = tuple("qrstuvwxyz")
    assert "I" == letter_of("I", ten)
    assert "B" == letter_of("I think the answer is B", ten)
    assert letter_of("I do not know", ten) is None


def test_a_conclusion_outweighs_a_mention() -> None:
    """ "the answer is B" decides, also after another option was named and rejected."""
    assert "B" == letter_of("Option A is wrong, so the answer is B.", FOUR)


def test_an_article_after_the_answer_is_no_letter() -> None:
    """ "The answer is A video of a cat" quotes the text of B; it must not count as the letter A."""
    assert "A" != letter_of("The answer is A video of a cat", ("A dog", "A video of a cat"))


@pytest.mark.parametrize(("prediction", "letter"), [("-3", "A"), ("3", "B"), ("+", "C"), ("-", "D")])
def test_signs_of_options_count(prediction: str, letter: str) -> None:
    """An option's own text is told from another that differs in its sign only."""
    assert letter == letter_of(prediction, ("-3", "3", "+", "-"))


@pytest.mark.parametrize(("prediction", "options"), [("3", ("-3", "5")), ("5%", ("$5", "6")), ("?", ("<", "5"))])
def test_another_text_is_not_the_option(prediction: str, options: tuple[str, ...]) -> None:
    """A text that differs from an option in sign, unit or symbol does not name it."""
    assert letter_of(prediction, options) is None


WRAPPED = (
    *("{letter}", "**{letter}**", "**{letter}.**", "*{letter}*", "__{letter}__", "`{letter}`", "~~ {letter}", "# {letter}", "> {letter}"),
    *("${letter}$", r"\boxed{{{letter}}}", r"$\boxed{{\text{{{letter}}}}}$", r"\(\mathbf{{{letter}}}\)", r"\[\boxed{{{letter}}}\]"),
    *(
        "({letter})",
        "[{letter}]",
        "{{{letter}}}",
        "<b>{letter}</b>",
        '"{letter}"',
        "'{letter}'",
        "“{letter}”",
        "「{letter}」",
        "（{letter}）",
        "【{letter}】",
    ),
    *(
        "{letter}.",
        "{letter})",
        "{letter}:",
        "{letter}。",
        "Option {letter}",
        "option ({letter})",
        "choice {letter}",
        "Answer: {letter}",
        "answer is {letter}",
    ),
    *(
        "The correct answer is **{letter}**.",
        "Final Answer: ({letter})",
        "答案是{letter}",
        "答案：{letter}",
        "选项{letter}",
        "选{letter}",
        "正解は{letter}です",
    ),
    *(
        "I would choose {letter}.",
        "I'd go with option {letter}.",
        "{letter} is correct",
        "{letter} is the right answer.",
        "It is {letter}.",
        '{{"answer": "{letter}"}}',
    ),
    *(
        "{letter}. {text}",
        "{letter}) {text}",
        "({letter}) {text}",
        "{letter}, the {text}",
        "{letter} - {text}",
        "{letter}: {text}.",
        "{letter}\n{text}",
    ),
    *(
        "**{letter}. {text}**",
        "{letter}.{text}",
        "{letter}、{text}",
        "The answer is {letter}. {text}",
        "{text}",
        "The {text}.",
        "**{text}**",
        '"{text}"',
    ),
    *("The answer is the {text}.", "It is the {text}.", "{letter}.\n\nThe {text} moves last.", "{letter} {text}"),
)


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 3), st.sampled_from(WRAPPED), st.sampled_from(["{}", " {} ", "\n{}\n", "{}\n\n"]), st.booleans())
def test_a_wrapped_choice_is_not_lost(place, form, around, full_width) -> None:
    """Whatever a letter, or an option's text, is wrapped in, it is the option."""
    letter = "ABCD"[place]
    shown = chr(ord(letter) + 0xFEE0) if full_width else letter
    text = around.format(form.format(letter=shown, text=OPTIONS[place]))
    assert letter == letter_of(text, OPTIONS)


TWICE = (
    *(
        "{one} or {other}",
        "{one}, {other}",
        "{one}/{other}",
        "{one} and {other}",
        "{one} & {other}",
        "({one}) or ({other})",
        "**{one}** or **{other}**",
    ),
    *(
        "Both {one} and {other}",
        "Either {one} or {other}.",
        "The answer is {one} or {other}.",
        "Options {one} and {other}",
        "{one}. {text}\n{other}. {more}",
    ),
    *(
        "The answer is {one}. The answer is {other}.",
        r"\boxed{{{one}}} \boxed{{{other}}}",
        "答案是{one}或{other}",
        "{one}和{other}",
        "{one}. {more}",
        "({one}) {more}",
    ),
    *("{one}: {more}", "I choose {one} and {other}.", "{text} or {more}", "{one} {other}"),
)


@settings(deadline=None, max_examples=300)
@given(st.permutations(range(4)), st.sampled_from(TWICE))
def test_two_choices_are_none(places, form) -> None:
    """A text that names two options, or the letter of one and the words of another, earns nothing for either."""
    one, other = places[:2]
    text = form.format(one="ABCD"[one], other="ABCD"[other], text=OPTIONS[one], more=OPTIONS[other])
    assert letter_of(text, OPTIONS) is None


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("It's B, not A.", "B"),
        ("Not A, but B.", "B"),
        ("The answer is not A.", None),
        ("Neither A nor B.", None),
        ("A is wrong. The answer is C.", "C"),
        ("B. The blue cube moves last; option A is wrong.", "B"),
        ("C'est impossible.", None),
        ("B?", None),
    ],
)
def test_denials(text, letter) -> None:
    """A denied option is not chosen, and does not stand in the way of the one that is."""
    assert letter == letter_of(text, OPTIONS)


def test_numbers_as_options() -> None:
    """Where all options are numbers, a sentence that states one of them chooses it."""
    assert "A" == letter_of("There are 3 chairs.", ("3", "6", "9"))
    assert letter_of("There are 4 chairs.", ("3", "6", "9")) is None
    assert letter_of("There are 3 or 6 chairs.", ("3", "6", "9")) is None
