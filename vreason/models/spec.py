"""Which model to load and how, as settings; loads without torch and transformers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vreason.config_checks import check_choice, check_text, shown
from vreason.errors import ConfigError, ConfigIssue

DEMO_MODEL = "demo"
DTYPES = ("auto", "float32", "bfloat16", "float16")
ATTENTIONS = ("sdpa", "eager", "flash_attention_2")
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:[0-9]{1,3})?")


@dataclass(frozen=True)
class ModelSpec:
    """What to load and how.

    Attributes:
        id: "demo" for the embedded model, a folder, or a hub id.
        revision: branch, tag or commit on the hub, None for the newest; pin a commit for a result that can be repeated.
        dtype: "auto" (as saved), "float32", "bfloat16" or "float16".
        device: "auto", "cpu", "cuda", "cuda:N" or "mps". "auto" spreads over several GPUs where there are several.
        attention: "sdpa", "eager" or "flash_attention_2".

    Raises:
        ConfigError: with everything wrong. Whether the model and the device are there is seen when it is loaded.
    """

    id: str = DEMO_MODEL
    revision: str | None = None
    dtype: str = "auto"
    device: str = "auto"
    attention: str = "sdpa"

    def issues(self, path: str = "model") -> list[ConfigIssue]:
        """Everything wrong with these settings, each issue under its own path below `path`."""
        found = [
            *check_text(f"{path}.id", self.id, "a Hub id, a folder, or demo"),
            *check_text(f"{path}.revision", self.revision, blank=True, or_null=True),
            *check_choice(f"{path}.dtype", self.dtype, DTYPES),
            *check_choice(f"{path}.attention", self.attention, ATTENTIONS),
        ]
        if not (isinstance(self.device, str) and _DEVICE.fullmatch(self.device)):
            allowed = "one of auto, cpu, mps, cuda, or cuda:N with N a number"
            found.append(ConfigIssue(f"{path}.device", f"{shown(self.device)} is not {allowed}"))
        if self.id == DEMO_MODEL and self.revision is not None:
            reason = "the embedded demo model has no revisions; leave it out or give model.id"
            found.append(ConfigIssue(f"{path}.revision", f"{shown(self.revision)}: {reason}"))
        return found

    def __post_init__(self) -> None:
        if found := self.issues():
            raise ConfigError(found)
