"""The decoding modes that the method cannot steer, and the refusal of each."""

from __future__ import annotations

from typing import Any

from vreason.errors import UnsupportedGenerationError
from vreason.models import caller_argument


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
