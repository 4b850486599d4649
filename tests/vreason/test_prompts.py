"""The text that a model reads, in the field's order."""

from __future__ import annotations

import pytest

from vreason.prompts import PROBLEM_TYPES, REASONING, SHORT, TEMPLATES, PromptTemplate

PLAIN = PromptTemplate("{Question}\nSay it.", {"multiple choice": " One letter.", "numerical": " A number."})


def test_multiple_choice_letters_its_options() -> None:
    """The question, directly followed by "Options:", a lettered line for each option, a newline, the instruction, the suffix."""
    expected = "Which way?Options:\nA. left\nB. right\nC. up\nSay it. One letter."
    assert expected == PLAIN.render("Which way?", ["left", "right", "up"], "multiple choice")


def test_other_kinds_show_no_options() -> None:
    """Options are for multiple choice alone; a kind without a suffix ends with the instruction."""
    assert "How many?\nSay it. A number." == PLAIN.render("How many?", ["1", "2"], "numerical")
    assert "What?\nSay it." == PLAIN.render("What?", [], "free-form")


def test_braces_in_a_question_are_text() -> None:
    """A question may hold braces, percent signs and the placeholder of its own template."""
    question = "Is {x} 100 % of {0}?"
    assert f"{question}\nSay it." == PLAIN.render(question, [], "free-form")


@pytest.mark.parametrize("count", [26, 27, 30])
def test_no_option_is_lost(count: int) -> None:
    """Every option given is shown, also more than the alphabet has letters."""
    options = [f"choice number {index}" for index in range(count)]
    assert options == [option for option in options if f". {option}\n" in PLAIN.render("Which?", options, "multiple choice")]


@pytest.mark.parametrize("kind", PROBLEM_TYPES)
@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_has_an_instruction_for_every_kind(name: str, kind: str) -> None:
    """Each suffix begins with a space, ends the prompt, and the question stands first."""
    template = TEMPLATES[name]
    assert template.suffixes[kind].startswith(" ")
    rendered = template.render("Which way does it move?", ["left", "right"], kind)
    assert rendered.startswith("Which way does it move?")
    assert rendered.endswith(template.suffixes[kind])
    assert set(PROBLEM_TYPES) == set(template.suffixes)


def test_the_reasoning_prompt_asks_for_both_tags() -> None:
    """The long template names the thinking and the answer tags, which `answers` reads; the short one is one line."""
    assert all(tag in REASONING.text for tag in ("<think>", "</think>", "<answer>", "</answer>"))
    assert {"reasoning": REASONING, "short": SHORT} == TEMPLATES
    assert 1 == SHORT.text.count("\n")
