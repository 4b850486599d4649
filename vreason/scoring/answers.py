"""The parts of a reply: its reasoning, and the answer that counts.

Reasoning is what stands between ``<think>`` and ``</think>``, and what stands before a ``</think>`` whose opening the prompt has written. A
reply that ends inside its reasoning has no answer. Nothing inside the reasoning is one, in no profile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_THOUGHT = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_OPEN = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
_CLOSE = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_ANSWER = re.compile(r"<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE)
_EXACT_ANSWER = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)  # as that project's evaluation has it
_ANSWER_OPEN = re.compile(r"<answer>", re.IGNORECASE)


@dataclass(frozen=True)
class Reply:
    """A reply in its parts.

    Attributes:
        reasoning: the text inside the reasoning's tags, stripped; without tags, what stands before the answer block.
        rest: everything outside the reasoning.
        cut_off: whether the reply ends inside its reasoning.
    """

    reasoning: str
    rest: str
    cut_off: bool


def split_reply(output: str) -> Reply:
    """A reply in its parts."""
    thoughts: list[str] = []

    def keep(match: re.Match[str]) -> str:
        """Take the thought out of the text."""
        thoughts.append(_untagged(match[0]))
        return ""

    rest = _THOUGHT.sub(keep, output)
    *unopened, rest = _CLOSE.split(rest)
    thoughts += [text.strip() for text in unopened]
    rest, *unclosed = _OPEN.split(rest)
    thoughts += [text.strip() for text in unclosed]
    reasoning = "\n".join(filter(None, thoughts)) if thoughts else _ANSWER_OPEN.split(output)[0].strip()
    return Reply(reasoning, rest, bool(unclosed))


def _untagged(thought: str) -> str:
    return _CLOSE.sub("", _OPEN.sub("", thought)).strip()


def extract_reasoning(output: str) -> str:
    """The text of the reasoning, stripped; without tags, what stands before the answer block."""
    return split_reply(output).reasoning


def extract_answer(output: str, profile: str = "robust") -> str | None:
    """The stripped text of the answer block that counts: after the reasoning, the last complete one that is not empty; for `video-r1`
    the first complete one.

    Returns:
        None when the reply ends inside its reasoning, or has no complete answer block, or an empty one.
    """
    reply = split_reply(output)
    if reply.cut_off:
        return None
    if profile == "video-r1":
        first = _EXACT_ANSWER.search(reply.rest)
        return (first[1].strip() or None) if first else None
    blocks = [text.strip() for text in _ANSWER.findall(reply.rest) if text.strip()]
    return blocks[-1] if blocks else None


def scored_text(output: str, profile: str = "robust") -> str | None:
    """What is scored: the extracted answer; without an answer block, all that stands outside the reasoning.

    Returns:
        None where nothing can be: the reply ends inside its reasoning, or (not for `video-r1`, which then takes the reply as it is) inside
        its only answer block, or its answer block is empty and nothing stands beside it.
    """
    if (answer := extract_answer(output, profile)) is not None:
        return answer
    reply = split_reply(output)
    if reply.cut_off:
        return None
    if profile == "video-r1":
        return reply.rest
    beside = _ANSWER.sub("", reply.rest)
    return None if _ANSWER_OPEN.search(beside) else beside.strip() or None
