from . import torchvision_shim as torchvision_shim
from .adapter import ModelAdapter as ModelAdapter, PixelLimits as PixelLimits
from .found_model import DEMO_WEIGHTS as DEMO_WEIGHTS, FoundModel as FoundModel, find_model as find_model
from .hf_internals import (
    caller_argument as caller_argument,
    commit_of as commit_of,
    decode_optimizations as decode_optimizations,
    next_model_kwargs as next_model_kwargs,
    pad_token as pad_token,
    prefill as prefill,
    told_of_tokenizer as told_of_tokenizer,
)
from .loading import LoadedModel as LoadedModel, folder_revision as folder_revision, load_model as load_model
from .registry import adapter_for as adapter_for, supported_families as supported_families
from .spec import DEMO_MODEL as DEMO_MODEL, ModelSpec as ModelSpec
from .torchvision_shim import ensure_torchvision as ensure_torchvision
