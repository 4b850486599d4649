"""The decoding loop: ``model.generate(**inputs, custom_generate=vreason.decode, vreason=VReasonConfig(...))``.

Source: "Video Reasoning without Training" (arXiv 2510.17045). One generated token t:

    1  the forward pass attends to V_new instead of V_L in the last decoder layer, at the video tokens only
    2  H_t from the raw logits, then H^ema_t, H^ema_peak, alpha_t
    3  if t >= 1 and t mod k == 0: one AdamW step on dV along the gradient of L_switch; the new V_new serves from token t + 1 on
    4  the token is drawn from the logits of step 2 through the usual generation settings; an update never re-scores it

Everything but steps 1 to 3 is what transformers' own loop does, in its order, so that without updates the tokens are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import torch

from vreason.config import PRESETS, VReasonConfig
from vreason.errors import ConfigError, ConfigIssue
from vreason.events import PrefillRecord
from vreason.generation.sampling import TokenSampler
from vreason.generation.step_log import StepClock, StepLog, StepTensors
from vreason.generation.supported_modes import refuse_unsupported
from vreason.listeners import ListenerGuard
from vreason.meters import MemoryReader
from vreason.method import Steering, prune, value_cache as kv
from vreason.models import adapter_for, caller_argument, decode_optimizations, next_model_kwargs, pad_token, prefill, told_of_tokenizer


@told_of_tokenizer
def decode(
    model: Any,
    input_ids: torch.Tensor,
    logits_processor: Any,
    stopping_criteria: Any,
    generation_config: Any,
    vreason: VReasonConfig | str | None = None,
    observers: Sequence[Any] = (),
    sample_ids: Sequence[str] | None = None,
    row_seeds: Sequence[int] | None = None,
    memory: MemoryReader | None = None,
    tokenizer: Any = None,
    **model_kwargs: Any,
) -> Any:
    """Generate with V-Reason. Pass it to `generate` as `custom_generate`; the arguments below are `generate`'s keywords.

    Args:
        vreason: the method, or a preset's name: "v-reason", "v-reason-lite", or "baseline", which only observes. Default: the paper's
            settings.
        observers: listeners (`vreason.Listener`). One that fails is warned about and left out of that event.
        sample_ids: a name for each row of the batch, told in every record; default "0", "1", ...
        row_seeds: with `do_sample`, a seed for each row of the batch: it then draws what it would draw alone with that seed, wherever it
            stands, whoever stands beside it and whenever they end, and torch's own generators are left as they are. A row alone with seed s
            draws as after ``torch.manual_seed(s)``. Default: all rows share torch's generator, as in plain `generate`.
        memory: returns the newest sample of the memory in use, for the step records.
        tokenizer: for `stop_strings`; `generate` uses it before this is called.

    Returns:
        What `generate` returns: token ids of shape (B, T), or a `GenerateDecoderOnlyOutput` with `return_dict_in_generate`.

    Raises:
        UnsupportedGenerationError: beam search, assisted decoding, or a cache that is not the default dynamic one.
        UnsupportedModelError: the model's family has no adapter.
        ConfigError: `vreason` is no method; `sample_ids` does not name every row once, or `row_seeds` does not hold a seed for every row.
    """
    del tokenizer
    method = _method(vreason)
    with ExitStack() as stack:
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.set_grad_enabled(False))
        refuse_unsupported(model, generation_config, model_kwargs)
        streamer = caller_argument(model, "streamer")
        names = _names(sample_ids, input_ids.shape[0])
        guard = ListenerGuard(tuple(observers))
        sampler = TokenSampler(row_seeds, input_ids.shape[0], input_ids.device)
        loop = _Loop(model, generation_config, method, StepLog(names, guard, memory), sampler, model_kwargs)
        try:
            return loop.run(input_ids, logits_processor, stopping_criteria, streamer)
        finally:
            loop.log.flush()


def _method(given: Any) -> VReasonConfig:
    if given is None:
        return VReasonConfig()
    if isinstance(given, VReasonConfig):
        return given
    if isinstance(given, str) and given in PRESETS:
        return PRESETS[given]
    what = f"{given!r} is no method; pass a preset's name ({', '.join(PRESETS)}) or a vreason.VReasonConfig"
    raise ConfigError([ConfigIssue("vreason", what)])


def _names(sample_ids: Sequence[str] | None, rows: int) -> list[str]:
    names = [str(row) for row in range(rows)] if sample_ids is None else [str(name) for name in sample_ids]
    if len(names) != rows or len(set(names)) != rows:
        raise ConfigError(
            [ConfigIssue("sample_ids", f"{len(set(names))} different name(s) for {rows} row(s); give each row one of its own")]
        )
    return names


class _Loop:
    """One call: transformers' sampling loop with the method's steps in it."""

    def __init__(
        self, model: Any, generation: Any, config: VReasonConfig, log: StepLog, sampler: TokenSampler, model_kwargs: dict[str, Any]
    ) -> None:
        self.model, self.generation, self.config, self.log, self.sampler = model, generation, config, log, sampler
        self.model_kwargs = model_kwargs
        self.adapter = adapter_for(model.config)
        self.steering = Steering(model, self.adapter, config.observer, controlled=config.controller is not None)
        self.clock = StepClock(model.device)
        self.kept: dict[str, tuple[Any, ...]] = dict.fromkeys(("scores", "logits", "attentions", "hidden_states"), ())

    def run(self, input_ids: torch.Tensor, logits_processor: Any, stopping_criteria: Any, streamer: Any) -> Any:
        """Prefill, then a token at a time until every row has ended."""
        start = self.clock.mark()
        outputs = prefill(self.model, input_ids, self.generation, self.model_kwargs)
        cache = outputs.past_key_values
        self._after_prefill(cache, input_ids)
        with self.steering, decode_optimizations(self.model):
            unfinished = torch.ones(input_ids.shape[0], dtype=torch.long, device=input_ids.device)
            ends = any(hasattr(criteria, "eos_token_id") for criteria in stopping_criteria)
            token = 0
            while True:
                self.model_kwargs = next_model_kwargs(self.model, outputs, self.model_kwargs)
                forwarded = self.clock.mark()
                active = unfinished.bool()
                signals = self.steering.observe(cache, outputs.logits, token, active)
                controlled = self.clock.mark()
                logits = outputs.logits[:, -1].detach()
                drawn, scores = self._draw(input_ids, logits, logits_processor)
                if ends:
                    drawn = drawn * unfinished + pad_token(self.generation, drawn.device) * (1 - unfinished)
                self._keep(outputs, scores, logits)
                del outputs, logits
                input_ids = torch.cat([input_ids, drawn[:, None]], dim=-1)
                if streamer is not None:
                    streamer.put(drawn.cpu())
                self.log.add(token, StepTensors(token_ids=drawn, active=active, **vars(signals)), (start, forwarded, controlled))
                unfinished = unfinished & ~stopping_criteria(input_ids, self.kept["scores"] or None)
                if not unfinished.any():
                    break
                token += 1
                start = self.clock.mark()
                outputs = self._forward(cache, input_ids, token)
        if streamer is not None:
            streamer.end()
        return self._result(input_ids, cache)

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

    def _result(self, input_ids: torch.Tensor, cache: Any) -> Any:
        if not self.generation.return_dict_in_generate:
            return input_ids
        from transformers.generation.utils import GenerateDecoderOnlyOutput

        wanted = {name: values if getattr(self.generation, f"output_{name}") else None for name, values in self.kept.items()}
        return GenerateDecoderOnlyOutput(sequences=input_ids, past_key_values=cache, **wanted)


def _detached(value: Any) -> Any:
    """The same tensors, in the same nesting, without the graph of an update step."""
    return value.detach() if isinstance(value, torch.Tensor) else tuple(_detached(part) for part in value)
