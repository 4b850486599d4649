"""The method of a variant as a card tells it: a frozen model, a controller, a way of decoding; each setting with where it comes from.

The paper is arXiv 2510.17045. What it does not fix was decided here; docs/method.md has the whole of each reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vreason.config import PRESETS
from vreason_tracking.settings import Variant

PAPER, OURS, DEPARTS = "paper", "decided here", "departs from the paper"

_DECIDED = {
    "controller.objective": "",
    "controller.k": "",
    "controller.lr": "",
    "controller.beta": "",
    "controller.ema_init": "the paper's curves begin at 0 and reach 63 % after 50 tokens: no bias correction",
    "controller.clip": "the paper says gradient clipping, and no value",
    "controller.weight_decay": "AdamW's usual; the paper names none",
    "controller.norm": "what keeps its norm is not said: each KV head of a token",
    "controller.seed": "of random signs; unused by the paper's objective",
    "pruning.ratio": "",
    "pruning.norm_of": "the paper does not say whose norm",
    "pruning.scope": "each layer ranks its own; the paper does not say",
    "pruning.drop": "",
    "pruning.seed": "of random choice; unused where the lowest are dropped",
}
"""By setting: why it is so where the paper is silent; "" where the paper fixes it."""

_PREFIX = "method."
_DECODING = ("generation.", "prompt.", "video.")


@dataclass(frozen=True)
class Setting:
    """A setting of a variant.

    Attributes:
        name: as in a config.
        value: as recorded.
        source: `PAPER`, `OURS` or `DEPARTS`.
        why: the paper's value where this one departs from it; the reason where the paper is silent.
    """

    name: str
    value: str
    source: str
    why: str


def controller_of(params: Mapping[str, str]) -> list[Setting]:
    """The method's settings of a run, in alphabetical order; empty for a model as it is.

    Args:
        params: of the run, as recorded.
    """
    paper = {name: str(value) for name, value in Variant("v-reason-lite", PRESETS["v-reason-lite"]).flattened().items()}
    found = {name.removeprefix(_PREFIX): str(value) for name, value in params.items() if name.startswith(_PREFIX)}
    return [_setting(name, value, paper.get(name)) for name, value in sorted(found.items()) if value != "null"]


def decoding_of(params: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """How replies are made beside the method: prompt, frames and decoding, as recorded."""
    return [(name, str(value)) for name, value in sorted(params.items()) if name.startswith(_DECODING)]


def _setting(name: str, value: str, paper: str | None) -> Setting:
    reason = _DECIDED.get(name)
    if reason:
        return Setting(name, value, OURS, reason)
    if reason is None or paper is None:
        return Setting(name, value, OURS, "")
    return Setting(name, value, PAPER, "") if value == paper else Setting(name, value, DEPARTS, f"paper: {paper}")
