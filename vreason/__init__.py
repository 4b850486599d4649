"""V-Reason: steer a video language model while it answers, without training (arXiv 2510.17045).

model.generate(**inputs, custom_generate=vreason.decode, vreason=vreason.VReasonConfig.preset("v-reason"), max_new_tokens=1024)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vreason.config import ControllerConfig, PruningConfig, VReasonConfig
from vreason.events import DecodeObserver, PrefillRecord, SampleRecord, StepRecord

if TYPE_CHECKING:
    from vreason.generation.decoding import decode

__version__ = "0.1.0"
__all__ = [
    "ControllerConfig",
    "DecodeObserver",
    "PrefillRecord",
    "PruningConfig",
    "SampleRecord",
    "StepRecord",
    "VReasonConfig",
    "decode",
]


def __getattr__(name: str) -> Any:
    """`decode` needs torch; whoever imports only settings and events does not wait for it."""
    if name == "decode":
        from vreason.generation.decoding import decode

        return decode
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
