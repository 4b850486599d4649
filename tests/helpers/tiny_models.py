"""Tiny random models of the real transformers classes, each with the real processor of its family around a small tokenizer.

Weights are drawn wider than transformers does, so that the next token is neither certain nor a coin toss: entropies move from token to
token, and the value cache matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
import transformers

import vreason.models.torchvision_shim  # noqa: F401  (before the processors)
from vreason.demo.network import CHAT_TEMPLATE, SPECIAL_TOKENS, build_tokenizer

FAMILIES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")
LAYERS = 3
KV_HEADS = 2
HEAD_DIM = 32
_WORDS = ("Which way does the red circle move? It moves left, then right, then up and down.", "<think>0 1 2 3</think><answer>A</answer>")


@cache
def tokenizer() -> Any:
    """Byte-level BPE with Qwen's special tokens; a few hundred entries."""
    return build_tokenizer(_WORDS)


def special_ids() -> list[int]:
    """Ids that a tiny model must not draw where the tokens are fed back to a model as a prompt."""
    return [int(tokenizer().convert_tokens_to_ids(token)) for token in SPECIAL_TOKENS]


@cache
def processor(family: str = "qwen2_5_vl") -> Any:
    """The family's own processor; a square of 28 pixels (Qwen3-VL: 32) makes one token."""
    if family == "qwen3_vl":
        limits = {"shortest_edge": 2 * 32 * 32, "longest_edge": 64 * 256 * 256}
        image = transformers.Qwen2VLImageProcessor(size={"shortest_edge": 32 * 32, "longest_edge": 256 * 256}, patch_size=16)
        video = transformers.Qwen3VLVideoProcessor(size=limits, do_sample_frames=False, cap_pixels_per_frame=False)
        return transformers.Qwen3VLProcessor(image, tokenizer(), video, chat_template=_qwen3_template())
    limits = {"shortest_edge": 28 * 28, "longest_edge": 224 * 224}
    kind = transformers.Qwen2VLProcessor if family == "qwen2_vl" else transformers.Qwen2_5_VLProcessor
    image = transformers.Qwen2VLImageProcessor(size=limits)
    video = transformers.Qwen2VLVideoProcessor(size=limits, do_sample_frames=False, cap_pixels_per_frame=True)
    return kind(image_processor=image, tokenizer=tokenizer(), video_processor=video, chat_template=CHAT_TEMPLATE)


def _qwen3_template() -> str:
    """Qwen3-VL's processor writes vision_start and vision_end around every frame itself."""
    return CHAT_TEMPLATE.replace("<|vision_start|><|video_pad|><|vision_end|>", "<|video_pad|>")


def _rope(family: str) -> dict[str, Any]:
    rope: dict[str, Any] = {"rope_type": "default", "mrope_section": [4, 6, 6], "rope_theta": 10_000.0}
    return rope | {"mrope_interleaved": True} if family == "qwen3_vl" else rope


def _vision(family: str, hidden: int) -> dict[str, Any]:
    if family == "qwen2_vl":
        return {"depth": 2, "embed_dim": 64, "hidden_size": hidden, "num_heads": 2, "mlp_ratio": 2}
    shared = {"depth": 2, "hidden_size": 64, "intermediate_size": 96, "num_heads": 2, "out_hidden_size": hidden}
    if family == "qwen2_5_vl":
        return shared | {"fullatt_block_indexes": [0, 1], "tokens_per_second": 5}
    return shared | {"deepstack_visual_indexes": [0, 1], "num_position_embeddings": 64}


def build_model(family: str = "qwen2_5_vl", *, tied: bool = False, seed: int = 0, width: float = 1.0, **text: Any) -> Any:
    """A fresh model in float32 and evaluation mode: 3 layers, 4 query heads on 2 KV heads of 32.

    Args:
        family: one of `FAMILIES`.
        tied: whether the LM head is the embedding.
        seed: of the weights.
        width: scale of the LM head; a smaller one gives a flatter next-token distribution.
        text: further fields of the language model's config.
    """
    hidden = 64 if family == "qwen3_vl" else 128
    ids = {name: tokenizer().convert_tokens_to_ids(f"<|{name}|>") for name in ("vision_start", "vision_end", "image_pad", "video_pad")}
    language = {
        "vocab_size": len(tokenizer()),
        "hidden_size": hidden,
        "intermediate_size": 96,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "num_key_value_heads": KV_HEADS,
        "max_position_embeddings": 1024,
        "rope_parameters": _rope(family),
        "tie_word_embeddings": tied,
        "pad_token_id": tokenizer().pad_token_id,
    } | ({"head_dim": HEAD_DIM} if family == "qwen3_vl" else {"bos_token_id": tokenizer().pad_token_id, "eos_token_id": None})
    prefix = {"qwen2_vl": "Qwen2VL", "qwen2_5_vl": "Qwen2_5_VL", "qwen3_vl": "Qwen3VL"}[family]
    config = getattr(transformers, f"{prefix}Config")(
        text_config=language | text,
        vision_config=_vision(family, hidden),
        image_token_id=ids["image_pad"],
        video_token_id=ids["video_pad"],
        vision_start_token_id=ids["vision_start"],
        vision_end_token_id=ids["vision_end"],
        tie_word_embeddings=tied,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = getattr(transformers, f"{prefix}ForConditionalGeneration")(config).eval()
        with torch.no_grad():
            for parameter in model.model.parameters():
                if parameter.ndim >= 2:
                    parameter.normal_(0.0, 1.0 / float(parameter[0].numel()) ** 0.5)
            model.model.language_model.embed_tokens.weight.normal_(0.0, 1.0)
            head = model.lm_head.weight
            head.normal_(0.0, 2.0 * width / hidden**0.5) if not tied else head.mul_(2.0 * width / hidden**0.5)
            for layer in model.model.language_model.layers:  # attention sharper than a mean, and seen beside the residual
                layer.self_attn.q_proj.weight.mul_(3.0)
                layer.self_attn.o_proj.weight.mul_(2.0)
    model.generation_config.pad_token_id = tokenizer().pad_token_id
    return model


@cache
def shared_model(family: str = "qwen2_5_vl", tied: bool = False, dtype: torch.dtype = torch.float32) -> Any:
    """A model that tests only read; the same object each time."""
    return build_model(family, tied=tied).to(dtype)


@dataclass(frozen=True)
class Turn:
    """One prompt: the frame counts of its videos, how many images stand before them, and its text."""

    videos: tuple[int, ...] = (4,)
    images: int = 0
    text: str = "Which way does the red circle move?"


def prompt(family: str = "qwen2_5_vl", *turns: Turn, seed: int = 0, dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    """Model inputs for a left-padded batch of random clips (2 x 2 tokens a temporal patch of two frames); the pixels depend on the row."""
    side = 64 if family == "qwen3_vl" else 56
    texts, clips, pictures = [], [], []
    for turn in turns or (Turn(),):
        rng = np.random.default_rng([seed, *turn.videos, turn.images, len(turn.text)])
        pictures += [rng.integers(0, 256, (3, side, side), np.uint8) for _ in range(turn.images)]
        clips += [torch.from_numpy(rng.integers(0, 256, (frames, 3, side, side), np.uint8)) for frames in turn.videos]
        kinds = ["image"] * turn.images + ["video"] * len(turn.videos)
        content: list[dict[str, str]] = [{"type": kind} for kind in kinds] + [{"type": "text", "text": turn.text}]
        message = [{"role": "user", "content": content}]
        texts.append(processor(family).apply_chat_template(message, tokenize=False, add_generation_prompt=True))
    metadata = [{"total_num_frames": len(clip), "fps": 2.0, "frames_indices": list(range(len(clip)))} for clip in clips]
    batch = processor(family)(
        text=texts,
        images=[torch.from_numpy(picture) for picture in pictures] or None,
        videos=clips or None,
        video_metadata=metadata or None,
        padding=True,
        return_tensors="pt",
    )
    kept = {name: value for name, value in batch.items() if isinstance(value, torch.Tensor)}
    kept |= {name: torch.tensor(value) for name, value in batch.items() if name == "second_per_grid_ts" and isinstance(value, list)}
    return {name: value.to(dtype) if name.startswith("pixel_values") else value for name, value in kept.items()}
