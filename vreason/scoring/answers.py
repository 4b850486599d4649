"""The answer out of a reply: the first ``<answer>...</answer>``, as the field takes it (Video-R1 protocol)."""

from __future__ import annotations

import re

_ANSWER = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
_THINK = re.compile(r"<think>(.*?)</think>", re.DOTALL)


def extract_answer(output: str) -> str | None:
    """The stripped text of the first answer tag, across lines; None when there is none or it is empty."""
    match = _ANSWER.search(output)
    return (match[1].strip() or None) if match else None


def extract_reasoning(output: str) -> str:
    """The text of the first think tag, stripped; without one, what stands before the answer tag."""
    match = _THINK.search(output)
    return (match[1] if match else output.split("<answer>")[0]).strip()
