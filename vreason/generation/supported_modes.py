"""What `generate` was asked for: the modes we refuse, and the two arguments it keeps from a callable."""

from __future__ import annotations

import sys
from typing import Any

from vreason.errors import UnsupportedGenerationError


def caller_argument(model: Any, name: str) -> Any:
    """An argument of the `generate` call that is running, read from its frame; None when there is none.

    transformers hands a `custom_generate` callable everything but `streamer`, `assistant_model` and a few more, which it keeps for its own
    loops. A user who passes a streamer expects it to stream, so we look where it is.
    """
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "generate" and frame.f_locals.get("self") is model and name in frame.f_locals:
            return frame.f_locals[name]
        frame = frame.f_back  # type: ignore[assignment]
    return None


def refuse_unsupported(model: Any, generation_config: Any, model_kwargs: dict[str, Any]) -> None:
    """Refuse what the method cannot steer.

    Raises:
        UnsupportedGenerationError: beam search, assisted decoding, no cache, a filled cache, embeddings instead of ids, or an
            encoder-decoder model.
    """
    if getattr(generation_config, "num_beams", 1) not in (None, 1):
        raise UnsupportedGenerationError(
            f"num_beams={generation_config.num_beams}: beam search re-orders rows under the controller; use num_beams=1"
        )
    if caller_argument(model, "assistant_model") is not None or getattr(generation_config, "prompt_lookup_num_tokens", None):
        raise UnsupportedGenerationError(
            "assisted decoding draws several tokens a step, and the controller works token by token;"
            " leave out assistant_model and prompt_lookup_num_tokens"
        )
    mode = str(getattr(generation_config.get_generation_mode(), "value", ""))
    if mode not in ("greedy_search", "sample"):
        raise UnsupportedGenerationError(f"decoding mode {mode!r} is not supported; use greedy search or sampling")
    if not model_kwargs.get("use_cache", True):
        raise UnsupportedGenerationError("use_cache=False leaves no value cache to steer; leave it out")
    if getattr(model.config, "is_encoder_decoder", False):
        raise UnsupportedGenerationError("encoder-decoder models have no single value cache; use a decoder-only model")
    if model_kwargs.get("inputs_embeds") is not None:
        raise UnsupportedGenerationError("inputs_embeds hides which tokens are video; pass input_ids and let the model embed them")
    past = model_kwargs.get("past_key_values")
    if past is not None and past.get_seq_length() > 0:
        raise UnsupportedGenerationError(
            "past_key_values already holds tokens; V-Reason must see the whole prompt's prefill: leave past_key_values out"
        )
