"""From a question to the text that a model reads.

The order is the field's (Video-R1): the question, for multiple choice directly followed by "Options:" and one option a line;
a newline; an instruction; a suffix per problem type that begins with a space.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

ProblemType = Literal["multiple choice", "numerical", "regression", "OCR", "free-form"]
PROBLEM_TYPES: tuple[ProblemType, ...] = get_args(ProblemType)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def option_letter(index: int) -> str:
    """A to Z for the first 26 options, AA, AB and so on beyond."""
    return LETTERS[index] if index < len(LETTERS) else option_letter(index // len(LETTERS) - 1) + LETTERS[index % len(LETTERS)]


@dataclass(frozen=True)
class PromptTemplate:
    """What stands around a question: `text` with the placeholder ``{Question}``, `suffixes` by problem type."""

    text: str
    suffixes: Mapping[str, str]

    def render(self, question: str, options: Sequence[str], problem_type: str) -> str:
        """The user's turn, without the video.

        Args:
            question: the problem as the benchmark states it.
            options: the options without letters; lettered here. Empty unless multiple choice.
            problem_type: one of `PROBLEM_TYPES`.
        """
        if problem_type == "multiple choice":
            lines = [f"{option_letter(index)}. {option}" for index, option in enumerate(options)]
            question = question + "Options:\n" + "\n".join(lines)
        return self.text.replace("{Question}", question) + self.suffixes.get(problem_type, "")


REASONING = PromptTemplate(
    text=(
        "{Question}\n"
        "Work this out the way a careful person would who is looking at the video: talk to yourself, weigh what you see, go back"
        " when something does not fit, and check the conclusion. Put this inner dialogue between <think> and </think>, and the final"
        " answer between <answer> and </answer>."
    ),
    suffixes={
        "multiple choice": " Inside <answer> give one letter only, for example <answer>A</answer>.",
        "numerical": " Inside <answer> give one number only, for example <answer>3</answer> or <answer>2.5</answer>.",
        "regression": " Inside <answer> give one number only, for example <answer>42.7</answer>.",
        "OCR": " Inside <answer> give the text exactly as it is written in the video.",
        "free-form": " Inside <answer> give your answer in words.",
    },
)

SHORT = PromptTemplate(
    text="{Question}\nThink, then answer",
    suffixes={
        "multiple choice": " with a letter.",
        "numerical": " with a number.",
        "regression": " with a number.",
        "OCR": " with the text.",
        "free-form": " in words.",
    },
)

TEMPLATES: dict[str, PromptTemplate] = {"reasoning": REASONING, "short": SHORT}
