"""What the controller pushes the entropy towards: the paper's switch, its ablations, and objectives of others by name.

    alpha_t    which way to push at token t: +1 raises the entropy (explore), -1 lowers it (exploit)
    L_t        the loss whose gradient dV follows; for all objectives here L_switch = -alpha_t * H_t

A package offers an objective by an entry point of the group ``vreason.objectives``; a config may also name one as ``module:attribute``.
It is a subclass of `Objective`, or a plain function of the four arguments of `Objective.alpha`. See docs/guides/objective.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from vreason.errors import PluginError
from vreason.method.switching import switch_alpha, switching_loss
from vreason.plugins import OBJECTIVES, load_plugin

FIELD = "controller.objective"


class Objective:
    """Which way the entropy is pushed, and by what loss. One object serves one batch, from its first token to its last.

    Rows of a batch are independent: what is returned for a row may depend on that row's values only.

    Args:
        seed: of anything random.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def alpha(self, token: int, entropy: torch.Tensor, ema: torch.Tensor, peak: torch.Tensor) -> torch.Tensor:
        """Which way to push at one token.

        Args:
            token: t, from 0.
            entropy, ema, peak: H_t, H^ema_t and H^ema_peak of each row, shape (B,), nats, without a graph.

        Returns:
            Shape (B,): above 0 to raise the entropy, else to lower it. It is recorded as +1 or -1.
        """
        return switch_alpha(ema, peak)

    def loss(self, alpha: torch.Tensor, entropy: torch.Tensor) -> torch.Tensor:
        """The loss of each row at an update.

        Args:
            alpha: +1 or -1, shape (B,).
            entropy: H_t with its graph, shape (B,), nats.

        Returns:
            Shape (B,), differentiable in `entropy`.
        """
        return switching_loss(alpha, entropy)


class MinObjective(Objective):
    """Always exploit: an ablation of the paper."""

    def alpha(self, token: int, entropy: torch.Tensor, ema: torch.Tensor, peak: torch.Tensor) -> torch.Tensor:
        """-1 for every row."""
        return torch.full_like(ema, -1.0)


class MaxObjective(Objective):
    """Always explore: an ablation of the paper."""

    def alpha(self, token: int, entropy: torch.Tensor, ema: torch.Tensor, peak: torch.Tensor) -> torch.Tensor:
        """+1 for every row."""
        return torch.full_like(ema, 1.0)


class RandomObjective(Objective):
    """Signs out of a seeded generator: a control."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._generators: list[torch.Generator] = []

    def alpha(self, token: int, entropy: torch.Tensor, ema: torch.Tensor, peak: torch.Tensor) -> torch.Tensor:
        """One generator a row, all of the same seed: a row's signs do not depend on its neighbours."""
        if not self._generators:
            self._generators = [torch.Generator().manual_seed(self.seed) for _ in range(ema.shape[0])]
        bits = [torch.randint(0, 2, (1,), generator=generator) for generator in self._generators]
        return (torch.cat(bits).to(ema) * 2 - 1).to(ema.dtype)


_OWN: dict[str, type[Objective]] = {
    "switch": Objective,
    "min": MinObjective,
    "max": MaxObjective,
    "random": RandomObjective,
    "none": Objective,  # observes: reports what the switch would do, and is never asked for a loss
}


class _PluginObjective(Objective):
    """An objective of somebody else: what it returns is checked before it steers anything."""

    def __init__(self, name: str, inner: Objective, seed: int) -> None:
        super().__init__(seed)
        self._name, self._inner = name, inner

    def alpha(self, token: int, entropy: torch.Tensor, ema: torch.Tensor, peak: torch.Tensor) -> torch.Tensor:
        """The signs of somebody else's objective, shape (B,), as +1 and -1."""
        made = self._checked_call("alpha", self._inner.alpha, (token, entropy, ema, peak), ema)
        return torch.where(made > 0, 1.0, -1.0).to(ema)

    def loss(self, alpha: torch.Tensor, entropy: torch.Tensor) -> torch.Tensor:
        """The loss of somebody else's objective, shape (B,), which has to depend on the entropy."""
        made = self._checked_call("loss", self._inner.loss, (alpha, entropy), entropy)
        if not made.requires_grad:
            raise PluginError(f"{FIELD}: the loss of {self._name} does not depend on the entropy; make it of the tensor that is handed in")
        return made

    def _checked_call(self, what: str, call: Callable[..., Any], arguments: tuple[Any, ...], like: torch.Tensor) -> torch.Tensor:
        try:
            made = call(*arguments)
        except Exception as error:  # whatever somebody else's code raises
            raise PluginError(f"{FIELD}: {what} of {self._name} failed: {type(error).__name__}: {error}; fix it") from error
        if not isinstance(made, torch.Tensor) or made.shape != like.shape:
            found = f"a tensor of shape {tuple(made.shape)}" if isinstance(made, torch.Tensor) else f"a {type(made).__name__}"
            raise PluginError(
                f"{FIELD}: {what} of {self._name} returned {found}; return a tensor of shape {tuple(like.shape)}, a value a row"
            )
        return made


class _FunctionObjective(Objective):
    """A plain function in place of `alpha`."""

    def __init__(self, function: Callable[..., torch.Tensor], seed: int) -> None:
        super().__init__(seed)
        self.alpha = function  # type: ignore[method-assign]


def make_objective(name: str, seed: int) -> Objective:
    """The objective of a config's name, new for each batch.

    Raises:
        PluginError: there is none of this name, or it cannot be loaded.
    """
    if name in _OWN:
        return _OWN[name](seed)
    found = load_plugin(OBJECTIVES, name, FIELD)
    if isinstance(found, type) and issubclass(found, Objective):
        return _PluginObjective(name, _made(found, name, seed), seed)
    if callable(found) and not isinstance(found, type):
        return _PluginObjective(name, _FunctionObjective(found, seed), seed)
    raise PluginError(
        f"{FIELD}: {name!r} is {found!r}; name a subclass of vreason.method.Objective, or a function of (token, entropy, ema, peak)"
    )


def _made(kind: type[Objective], name: str, seed: int) -> Objective:
    try:
        return kind(seed)
    except Exception as error:  # whatever somebody else's class raises
        raise PluginError(f"{FIELD}: {name} cannot be made of a seed: {type(error).__name__}: {error}; see Objective.__init__") from error
