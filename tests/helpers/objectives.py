"""An objective of somebody else, as a config names it: the paper's, which breaks when a test wants it to."""

from __future__ import annotations

from pathlib import Path

import torch

from vreason.method.switching import switch_alpha

BREAKING = "tests.helpers.objectives:breaks_on_demand"
"""As a config names it."""
SWITCH_OFF = Path("break")
"""It breaks while this file is there, in the current folder."""


def breaks_on_demand(token: int, entropy: torch.Tensor, ema: torch.Tensor, peak: torch.Tensor) -> torch.Tensor:
    """The paper's signs."""
    if SWITCH_OFF.exists():
        raise ValueError("somebody wants it to break")
    return switch_alpha(ema, peak)
