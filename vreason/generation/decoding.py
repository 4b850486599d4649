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
from typing import Any

import torch

from vreason.config import PRESETS, VReasonConfig
from vreason.errors import ConfigError, ConfigIssue
from vreason.generation.decode_loop import DecodeLoop, without_autograd
from vreason.generation.sampling import TokenSampler
from vreason.generation.step_log import StepLog
from vreason.generation.supported_modes import refuse_unsupported
from vreason.listeners import ListenerGuard
from vreason.meters import MemoryReader
from vreason.models import caller_argument, told_of_tokenizer


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
    with without_autograd():
        refuse_unsupported(model, generation_config, model_kwargs)
        streamer = caller_argument(model, "streamer")
        names = _names(sample_ids, input_ids.shape[0])
        guard = ListenerGuard(tuple(observers))
        sampler = TokenSampler(row_seeds, input_ids.shape[0], input_ids.device)
        loop = DecodeLoop(model, generation_config, method, StepLog(names, guard, memory), sampler, model_kwargs)
        try:
            for _ in loop.tokens(input_ids, logits_processor, stopping_criteria, streamer):
                pass
            return loop.result()
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
