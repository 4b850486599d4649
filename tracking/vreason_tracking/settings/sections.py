"""The sections of a run configuration that nothing but a run has, one frozen pydantic model each. Fields are checked one by one here; what
they mean together, in `rules`.

The sections `model` and `video` are the method's own `vreason.models.ModelSpec` and `vreason.video.VideoConfig`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field

from vreason.benchmarks import DEMO_BENCHMARK
from vreason.prompts import ProblemType
from vreason_tracking.journal import journal_folder
from vreason_tracking.settings.issues import NAME_RULE, is_name
from vreason_tracking.stores import resolved_uri

_NOT_BLANK = r"\S"


def _named(value: str) -> str:
    if not is_name(value):
        raise ValueError
    return value


Name = Annotated[str, AfterValidator(_named)]


class Section(BaseModel):
    """What all sections share: no unknown keys, no conversions ("4" is not 4), no changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class DataSettings(Section):
    """What is asked, and how answers are scored.

    Attributes:
        source: "demo", a benchmark of an installed package, or a data file: JSON, JSONL, CSV, TSV or Parquet, packed with gzip or not (see
            docs/data.md).
        split: of the benchmark; None with a file.
        scoring: the profile, `robust` or `video-r1`; or a function of one's own, "module:function".
        limit: at most this many questions; None asks all.
        video_root: folder of relative video paths; None takes the data file's own.
    """

    source: str = Field(
        default=DEMO_BENCHMARK,
        pattern=_NOT_BLANK,
        description="demo, the name of an installed benchmark, or the path of a data file",
    )
    split: str | None = Field(default=None, min_length=1)
    scoring: str = Field(default="robust", description="robust, video-r1, or a function written module:function")
    limit: int | None = Field(default=None, ge=1)
    video_root: str | None = Field(default=None, min_length=1)


class PromptSettings(Section):
    """What stands around a question.

    Attributes:
        template: `auto` is settled when a configuration is loaded: `short` for the demo model, else `reasoning`.
        file: a text file with the placeholder {Question}, used byte for byte instead of the template's text.
        suffixes: by problem type, instead of the template's; None leaves one out.
    """

    template: Literal["auto", "reasoning", "short"] = "auto"
    file: str | None = Field(default=None, min_length=1)
    suffixes: dict[ProblemType, str | None] = Field(default_factory=dict)


class GenerationSettings(Section):
    """transformers' generation settings of the same names.

    Attributes:
        max_new_tokens: a reply is cut off after so many.
        min_new_tokens: and cannot end before so many; None sets no bound.
        do_sample: draw tokens at random, with `seed`; otherwise the likeliest is taken.
        temperature, top_p, top_k: how tokens are drawn; None is the model's own generation config's, and nothing without `do_sample`.
        repetition_penalty: above 1, tokens that were there before are less likely.
    """

    max_new_tokens: int = Field(default=1024, ge=1)
    min_new_tokens: int | None = Field(default=None, ge=1)
    do_sample: bool = False
    temperature: float | None = Field(default=None, gt=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=1)
    repetition_penalty: float = Field(default=1.0, gt=0)


class TrackingSettings(Section):
    """Where the record goes.

    Attributes:
        uri: MLflow's tracking URI; None asks the environment.
        experiment: MLflow's experiment.
        mode: `online` delivers to MLflow while the run goes on; `offline` writes the journal only, for `vreason-track journal deliver`.
        journal: folder of the local record; None asks the environment.
        disk_retry_timeout: seconds for which a disk that refuses the journal (full, read-only) is tried again before the run ends. In
            configs of earlier versions: disk_patience.
    """

    uri: str | None = Field(default=None, min_length=1)
    experiment: Name = Field(default="vreason", description=NAME_RULE)
    mode: Literal["online", "offline"] = "online"
    journal: str | None = Field(default=None, min_length=1)
    disk_retry_timeout: float = Field(default=30.0, ge=0, le=86_400, validation_alias=AliasChoices("disk_retry_timeout", "disk_patience"))

    def resolved_uri(self, environment: Mapping[str, str] = os.environ) -> str:
        """The URI given, else what `resolved_uri` finds."""
        return resolved_uri(self.uri, environment)

    def journal_folder(self, environment: Mapping[str, str] = os.environ) -> Path:
        """The folder given, else what `journal_folder` finds."""
        return journal_folder(self.journal, environment)
