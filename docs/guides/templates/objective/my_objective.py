"""An objective for V-Reason. The guide docs/guides/objective.md of vreason-track explains every place."""

from __future__ import annotations

import torch

from vreason.method import Objective


class MyObjective(Objective):
    """One object serves one batch of B replies, from token 0 to the last. `self.seed` is the config's `controller.seed`."""

    def alpha(self, token: int, entropy: torch.Tensor, ema: torch.Tensor, peak: torch.Tensor) -> torch.Tensor:
        """Which way to push at this token: shape (B,), above 0 where the entropy is to rise, else where it is to fall."""
        # PLACE 3: the direction of every row
        raise NotImplementedError("place 3 of the template is not filled in")
        # END OF PLACE 3

    def loss(self, alpha: torch.Tensor, entropy: torch.Tensor) -> torch.Tensor:
        """What an update lowers: shape (B,), a value a row, made of `entropy`, which has a graph."""
        # PLACE 4: the loss of every row
        raise NotImplementedError("place 4 of the template is not filled in")
        # END OF PLACE 4
