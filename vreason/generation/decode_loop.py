"""The loop behind `vreason.decode`: transformers' sampling loop with the method's steps in it, a token at a time.

`decode` works it off in one go; an engine that serves requests takes a token, looks what else there is to do, and takes the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from vreason.config import VReasonConfig
from vreason.events import PrefillRecord
from vreason.generation.sampling import TokenSampler
from vreason.generation.step_log import StepClock, StepLog, StepTensors
from vreason.method import Steering, prune, value_cache as kv
from vreason.models import adapter_for, decode_optimizations, next_model_kwargs, pad_token, prefill


@contextmanager
def without_autograd() -> Iterator[None]:
    """The mode in which the loop runs: no graph, and tensors that a graph may begin at, which inference mode's may not."""
    with ExitStack() as stack:
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.set_grad_enabled(False))
        yield


class DecodeLoop:
    """One batch on its way.

    Args:
        model: in evaluation mode.
        generation: transformers' generation config, as `generate` has prepared it.
        config: the method.
        log: takes the steps; flush it when the loop has ended.
        sampler: draws the tokens.
        model_kwargs: as `generate` has prepared them, the empty cache among them.

    Attributes:
        drawn: the newest token of each row, shape (B,); padding where a row had ended.
        unfinished: 1 where a row still generates, shape (B,).
    """

    def __init__(
        self, model: Any, generation: Any, config: VReasonConfig, log: StepLog, sampler: TokenSampler, model_kwargs: dict[str, Any]
    ) -> None:
        self.model, self.generation, self.config, self.log, self.sampler = model, generation, config, log, sampler
        self.model_kwargs = model_kwargs
        self.adapter = adapter_for(model.config)
        self.steering = Steering(model, self.adapter, config.observer, controlled=config.controller is not None)
        self.clock = StepClock(model.device)
        self.drawn = self.unfinished = torch.zeros(0, dtype=torch.long)
        self.input_ids = self.drawn
        self._cache: Any = None
        self._ended_early = False
        self.kept: dict[str, tuple[Any, ...]] = dict.fromkeys(("scores", "logits", "attentions", "hidden_states"), ())

    def tokens(self, input_ids: torch.Tensor, logits_processor: Any, stopping_criteria: Any, streamer: Any = None) -> Iterator[int]:
        """Prefill, then a token at a time until every row has ended; yields each token's index, once it is drawn.

        Advance and close it inside `without_autograd` only. To close it early puts the model back as it was.
        """
        start = self.clock.mark()
        outputs = prefill(self.model, input_ids, self.generation, self.model_kwargs)
        self._cache = cache = outputs.past_key_values
        self._after_prefill(cache, input_ids)
        with self.steering, decode_optimizations(self.model):
            self.unfinished = torch.ones(input_ids.shape[0], dtype=torch.long, device=input_ids.device)
            ends = any(hasattr(criteria, "eos_token_id") for criteria in stopping_criteria)
            token = 0
            while True:
                self.model_kwargs = next_model_kwargs(self.model, outputs, self.model_kwargs)
                forwarded = self.clock.mark()
                active = self.unfinished.bool()
                signals = self.steering.observe(cache, outputs.logits, token, active)
                controlled = self.clock.mark()
                logits = outputs.logits[:, -1].detach()
                drawn, scores = self._draw(input_ids, logits, logits_processor)
                if ends or self._ended_early:
                    drawn = drawn * self.unfinished + pad_token(self.generation, drawn.device) * (1 - self.unfinished)
                self._keep(outputs, scores, logits)
                del outputs, logits
                self.input_ids = input_ids = torch.cat([input_ids, drawn[:, None]], dim=-1)
                if streamer is not None:
                    streamer.put(drawn.cpu())
                self.log.add(token, StepTensors(token_ids=drawn, active=active, **vars(signals)), (start, forwarded, controlled))
                self.drawn = drawn
                self.unfinished = self.unfinished & ~stopping_criteria(input_ids, self.kept["scores"] or None)
                yield token
                if not self.unfinished.any():
                    break
                token += 1
                start = self.clock.mark()
                outputs = self._forward(cache, input_ids, token)
        if streamer is not None:
            streamer.end()

    def end_row(self, row: int) -> None:
        """Let a row end with the token it has: nothing more is told of it, and the loop ends with the last row."""
        self.unfinished[row] = 0
        self._ended_early = True

    def _after_prefill(self, cache: Any, input_ids: torch.Tensor) -> None:
        """Find the video tokens, prune for Lite, and give the controller its V_L."""
        kv.require_dynamic(cache)
        mask = self.adapter.video_mask(self.model, input_ids)
        positions = kv.VideoPositions.of(mask)
        padding = self.model_kwargs.get("attention_mask")
        counts = padding.sum(dim=1).tolist() if padding is not None else [input_ids.shape[1]] * len(input_ids)
        kept = positions
        if self.config.pruning is not None and self.config.pruning.ratio > 0 and len(positions.rows):
            whole = padding if padding is not None else torch.ones_like(input_ids)
            pruned = prune(cache, positions, whole, self.config.pruning)
            kept = pruned.positions
            if padding is not None or not bool(pruned.attention_mask.all()):
                self.model_kwargs["attention_mask"] = pruned.attention_mask
        self.steering.begin(cache, kept)
        self.log.unsteered = {row for row, size in enumerate(kept.sizes) if size == 0}
        for name, count, before, after in zip(self.log.sample_ids, counts, positions.sizes, kept.sizes, strict=True):
            self.log.guard.prefill(PrefillRecord(name, int(count), before, after))

    def _forward(self, cache: Any, input_ids: torch.Tensor, token: int) -> Any:
        """The forward pass of one new token a row."""
        inputs = self.model.prepare_inputs_for_generation(input_ids, next_sequence_length=1, **self.model_kwargs)
        with self.steering.forward(cache, token):
            return self.model(**inputs, return_dict=True)

    def _draw(self, input_ids: torch.Tensor, logits: torch.Tensor, logits_processor: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Next token of each row and the processed scores it was drawn from: (B,) and (B, vocab)."""
        raw = logits.to(copy=True, dtype=torch.float32, device=input_ids.device)
        scores = logits_processor(input_ids, raw)
        drawn = self.sampler.draw(torch.softmax(scores, dim=-1)) if self.generation.do_sample else scores.argmax(dim=-1)
        return drawn, scores

    def _keep(self, outputs: Any, scores: torch.Tensor, logits: torch.Tensor) -> None:
        """Collect what `return_dict_in_generate` asks for."""
        if not self.generation.return_dict_in_generate:
            return
        found = {
            "scores": scores if self.generation.output_scores else None,
            "logits": logits.to(copy=True, dtype=torch.float32) if self.generation.output_logits else None,
            "attentions": outputs.attentions if self.generation.output_attentions else None,
            "hidden_states": outputs.hidden_states if self.generation.output_hidden_states else None,
        }
        for name, value in found.items():
            if value is not None:
                self.kept[name] += (_detached(value),)

    def result(self) -> Any:
        """What `generate` returns, once the loop has ended."""
        if not self.generation.return_dict_in_generate:
            return self.input_ids
        from transformers.generation.utils import GenerateDecoderOnlyOutput

        wanted = {name: values if getattr(self.generation, f"output_{name}") else None for name, values in self.kept.items()}
        return GenerateDecoderOnlyOutput(sequences=self.input_ids, past_key_values=self._cache, **wanted)


def _detached(value: Any) -> Any:
    """A nesting of tensors, each without the graph of an update step."""
    return value.detach() if isinstance(value, torch.Tensor) else tuple(_detached(part) for part in value)
