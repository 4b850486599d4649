"""Ties the controller to a running model: where the graph begins, what a step changes, and how all is put back.

At an update token the graph covers one token through the last decoder layer, the final norm and the LM head. Autograd is switched on by a
hook at the last layer's entrance, so that everything below runs as in plain generation.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from vreason.config import ControllerConfig
from vreason.method import value_cache as kv
from vreason.method.controller import ValueController
from vreason.method.entropy import EntropyTracker, token_entropy
from vreason.method.objectives import make_objective
from vreason.models import ModelAdapter


@contextmanager
def frozen(*modules: torch.nn.Module) -> Iterator[None]:
    """No parameter of these asks for a gradient inside; each asks as before outside, also after an exception.

    With trainable parameters autograd would compute the head's and the last layer's weight gradients as well. Only around an update: torch
    may take another kernel for a frozen weight, and without updates the logits shall be plain generation's to the last bit.
    """
    thawed = [parameter for module in modules for parameter in module.parameters() if parameter.requires_grad]
    for parameter in thawed:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in thawed:
            parameter.requires_grad_(True)


@dataclass
class Signals:
    """What the method saw and did at one token, each of shape (B,); see `vreason.events.StepRecord`."""

    entropy: torch.Tensor
    ema: torch.Tensor
    peak: torch.Tensor
    alpha: torch.Tensor
    loss: torch.Tensor | None = None
    grad_norm: torch.Tensor | None = None
    delta_v_norm: torch.Tensor | None = None
    value_cosine: torch.Tensor | None = None


class Steering:
    """The method's state for one batch. Use as a context manager around the decoding loop."""

    def __init__(self, model: Any, adapter: ModelAdapter, config: ControllerConfig, controlled: bool) -> None:
        self.config = config
        self._norm_layer, self._head = adapter.head(model)
        self._last_layer = adapter.decoder_layers(model)[-1]
        self._index = len(adapter.decoder_layers(model)) - 1
        self._controlled = controlled
        self._tracker = EntropyTracker(config.beta, config.ema_init)
        self._objective = make_objective(config.objective, config.seed)
        self._controller: ValueController | None = None
        self._positions: kv.VideoPositions | None = None
        self._norm: torch.Tensor | None = None
        self._cosine: torch.Tensor | None = None
        self._recording = False
        self._hook: torch.utils.hooks.RemovableHandle | None = None

    def __enter__(self) -> Steering:
        self._hook = self._last_layer.register_forward_pre_hook(self._enter_last_layer)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._hook is not None
        self._hook.remove()

    def begin(self, cache: Any, positions: kv.VideoPositions) -> None:
        """Take V_L as prefill, and Lite if it is on, left it. Without video tokens there is nothing to steer."""
        if self._controlled and self.config.objective != "none" and len(positions.rows):
            self._positions = positions
            self._controller = ValueController(kv.read_values(cache, self._index, positions), positions.sizes, self.config)
            self._norm = torch.zeros(len(positions.sizes), dtype=torch.float32, device=positions.rows.device)
            self._cosine = torch.ones_like(self._norm)

    def updates_at(self, token: int) -> bool:
        """Whether dV is stepped at token t: from t = k on, every k."""
        return self._controller is not None and token > 0 and token % self.config.k == 0

    @contextmanager
    def forward(self, cache: Any, token: int) -> Iterator[None]:
        """Around the forward pass of token t: at an update the cache depends on dV and the last layer records its graph."""
        if not self.updates_at(token):
            yield
            return
        assert self._controller is not None
        assert self._positions is not None
        with torch.enable_grad():
            kv.write_values(cache, self._index, self._positions, self._controller.steered())
        self._recording = True
        try:
            with frozen(self._last_layer, self._norm_layer, self._head):
                yield
        finally:
            self._recording = False
            torch.set_grad_enabled(False)

    def observe(self, cache: Any, logits: torch.Tensor, token: int, active: torch.Tensor) -> Signals:
        """Steps 2 and 3 of the method for one token.

        Args:
            logits: the model's raw logits, shape (B, tokens, vocab), of which the last position counts; with a graph at an update.
            active: rows that are still generating, shape (B,), bool.
        """
        update = self.updates_at(token)
        with torch.set_grad_enabled(update):
            entropy = token_entropy(logits[:, -1])
        ema, peak = self._tracker.update(entropy)
        alpha = self._objective.alpha(token, entropy.detach(), ema, peak)
        signals = Signals(entropy.detach(), ema, peak, alpha, delta_v_norm=self._norm, value_cosine=self._cosine)
        if update:
            self._update(cache, signals, entropy, active)
        return signals

    def _update(self, cache: Any, signals: Signals, entropy: torch.Tensor, active: torch.Tensor) -> None:
        controller, positions = self._controller, self._positions
        assert controller is not None
        assert positions is not None
        with torch.enable_grad():
            loss = self._objective.loss(signals.alpha, entropy)
        (gradient,) = torch.autograd.grad(loss, controller.delta, torch.ones_like(loss))
        kv.detach_values(cache, self._index)
        signals.loss = loss.detach()
        signals.grad_norm = controller.step(gradient, active.to(gradient.device)).to(entropy.device)
        with torch.no_grad():
            steered = controller.steered()
            kv.write_values(cache, self._index, positions, steered)
            self._norm = controller.row_norms(controller.delta).to(entropy.device)
            self._cosine = controller.cosine(steered).to(entropy.device)
        signals.delta_v_norm, signals.value_cosine = self._norm, self._cosine

    def _enter_last_layer(self, *_: object) -> None:
        if self._recording:
            torch.set_grad_enabled(True)
