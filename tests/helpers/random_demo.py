"""The demo's model and processor with random weights, made and saved in a second: what evaluation and loading are tested with."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch

from vreason.demo.network import build_model, build_processor, build_tokenizer
from vreason.demo.train import corpus


@cache
def tokenizer() -> Any:
    """The demo's tokenizer, trained on a few clips' questions; its 512 entries are full all the same."""
    return build_tokenizer(corpus(0, clips=120))


@cache
def processor() -> Any:
    """The demo's processor; tests only read it."""
    return build_processor(tokenizer())


def model(seed: int = 0) -> Any:
    """Random weights, drawn wide enough that the next token depends on the clip and the tokens before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = build_model(tokenizer()).eval()
        with torch.no_grad():
            for parameter in made.model.parameters():
                if parameter.ndim >= 2:
                    parameter.normal_(0.0, 1.0 / float(parameter[0].numel()) ** 0.5)
            made.model.language_model.embed_tokens.weight.normal_(0.0, 0.25)
            for layer in made.model.language_model.layers:
                layer.self_attn.q_proj.weight.mul_(3.0)
    return made


def save(folder: Path, seed: int = 0) -> Path:
    """The model and its processor in the Hugging Face layout."""
    model(seed).save_pretrained(folder)
    processor().save_pretrained(folder)
    return folder
