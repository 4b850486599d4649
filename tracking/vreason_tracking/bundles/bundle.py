"""What a bundle holds, beside the weights: one file of JSON, `bundle.json`, checked when it is read.

It names the model, the method, the prompt, which frames are read, how tokens are drawn, what a caller may change, and where all of it comes
from. Nothing in it is code, and nothing is pickled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vreason.config import VReasonConfig
from vreason.errors import ConfigError, TrackingError
from vreason.models import DEMO_MODEL, ModelSpec
from vreason.prompts import PromptTemplate
from vreason.video import VideoConfig

if TYPE_CHECKING:
    from vreason.evaluation import EvaluationConfig

FILE_NAME = "bundle.json"
VERSION = 1

BUNDLE, WEIGHTS, CODE = "bundle", "weights", "code"
"""Names of a bundle's artifacts: its description, and the folder of its weights where it has them; and of MLflow's folder of code."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ModelPart(_Part):
    """Which model.

    Attributes:
        id: "demo", a repository of the hub, or a folder.
        revision: the hub's commit; None for a folder, and for the demo.
        dtype, device, attention: as in `vreason.models.ModelSpec`; dtype is that of the run.
        family: transformers' ``model_type``.
        weights_revision: what the run's record calls the weights (see `vreason.models.LoadedModel`).
        included: whether the files lie in the bundle.
        files: SHA-256 of each file that the model is loaded from, by its path in the model's folder.
    """

    id: str
    revision: str | None
    dtype: str
    device: str = "auto"
    attention: str
    family: str
    weights_revision: str
    included: bool
    files: dict[str, str]

    @property
    def source(self) -> str:
        """The model's folder, or its name on the hub."""
        from vreason.models import DEMO_WEIGHTS  # brings torch

        return str(DEMO_WEIGHTS) if self.id == DEMO_MODEL else self.id

    def spec(self, included: Path | None = None, device: str | None = None) -> ModelSpec:
        """How it is loaded; from the folder `included` where the weights are part of the bundle."""
        place, revision = (self.id, self.revision) if included is None else (str(included), None)
        return ModelSpec(place, revision, self.dtype, device or self.device, self.attention)


class Origin(_Part):
    """The run that a bundle was made of.

    Attributes:
        mlflow_run_id, journal_run_id: its ids; the latter None where only the store has it.
        experiment, config, variant: names.
        identity: digests of what its results depend on, by part; "run" for the whole.
        tags: its provenance: commit, versions, machine, digests.
        samples: how many were asked; `failed` of them without an answer.
        figures: its summary metrics, by the names that they have in MLflow.
        forced: why it was registered although something was against it; None when nothing was.
        against: what was.
    """

    mlflow_run_id: str
    journal_run_id: str | None
    experiment: str
    config: str
    variant: str
    identity: dict[str, str]
    tags: dict[str, str]
    samples: int | None
    failed: int
    figures: dict[str, float]
    forced: str | None = None
    against: tuple[str, ...] = ()


class Bound(_Part):
    """What a caller may set in the place of a registered value.

    Attributes:
        low, high: of a number, both included.
        choices: of a word.
    """

    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] | None = None

    def __str__(self) -> str:
        return ", ".join(self.choices) if self.choices is not None else f"{self.low:g} to {self.high:g}"


class Example(_Part):
    """The question that a bundle can show itself to work with.

    Attributes:
        sample_id: of the run.
        output: what the run answered; None where the example's video is not the run's own.
        token_ids: the tokens of that answer.
    """

    sample_id: str
    output: str | None
    token_ids: tuple[int, ...] = ()


class Bundle(_Part):
    """A configured model and method.

    Attributes:
        version: of this layout.
        model, origin, example: see there.
        method: `VReasonConfig` as plain data.
        prompt: `text` with {Question}, and `suffixes` by problem type.
        video: `VideoConfig` as plain data.
        generation: keywords of `generate`.
        scoring: the profile by which the run's answers were read.
        seed: of sampling.
        bounds: by name of a parameter ("max_new_tokens", "controller.k"), what a caller may set; what is not named cannot be set.
        code: names of the user's own modules and packages that lie in its folder `code`; the method names what is in them.
    """

    version: Literal[1] = 1
    model: ModelPart
    method: dict[str, Any]
    prompt: dict[str, Any]
    video: dict[str, Any]
    generation: dict[str, Any]
    scoring: str
    seed: int = Field(ge=0, lt=2**63)
    bounds: dict[str, Bound]
    code: tuple[str, ...] = ()
    origin: Origin
    example: Example

    def evaluation_config(self) -> EvaluationConfig:
        """The method's side of it, as the run had it."""
        from vreason.evaluation import EvaluationConfig

        return EvaluationConfig(
            method=VReasonConfig.from_mapping(self.method),
            prompt=PromptTemplate(self.prompt["text"], dict(self.prompt["suffixes"])),
            video=VideoConfig(**self.video),
            generation=dict(self.generation),
            scoring=self.scoring,
            seed=self.seed,
        )

    def write(self, folder: Path) -> Path:
        """Write `bundle.json` into a folder; returns its path."""
        path = folder / FILE_NAME
        path.write_text(json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
        return path


def read_bundle(path: Path) -> Bundle:
    """Read `bundle.json`.

    Raises:
        TrackingError: it is not there, damaged, or of a later version.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrackingError(f"{path}: is not a bundle's description ({error}); register the run again, or fetch the model anew") from error
    found = data.get("version") if isinstance(data, Mapping) else None
    if found != VERSION:
        raise TrackingError(f"{path}: is of version {found!r}, and this program reads {VERSION}; upgrade vreason-track")
    try:
        bundle = Bundle.model_validate(data)
        if not bundle.code:  # the settings may name what is there only where the bundle is loaded
            bundle.evaluation_config()
    except (ValidationError, ConfigError, KeyError, TypeError, ValueError) as error:
        first = str(error).strip().splitlines()[:3]
        raise TrackingError(f"{path}: is damaged ({' '.join(first)}); fetch the model anew, or register the run again") from error
    return bundle
