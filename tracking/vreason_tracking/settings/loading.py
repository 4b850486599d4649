"""The configuration of a run, `vreason-track run --config FILE`: YAML in, one frozen object out, or every fault at once.

    settings = load_settings("configs/quickstart.yaml", overrides=["data.limit=8"], variants=["v-reason"])
    for variant in settings.resolved_variants(): ...

Sections and their fields: `sections`. Methods, presets and the matrix: `variants`. Relative paths start from the current
folder. Needs neither torch nor MLflow.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, InstanceOf, ValidationError

from vreason.errors import ConfigError, ConfigIssue
from vreason.prompts import TEMPLATES, PromptTemplate
from vreason_tracking.settings.issues import NAME_RULE, plain_faults
from vreason_tracking.settings.overrides import apply_overrides
from vreason_tracking.settings.rules import combination_faults, filled_in, prompt_text
from vreason_tracking.settings.sections import (
    DataSettings,
    GenerationSettings,
    ModelSettings,
    Name,
    PromptSettings,
    Section,
    TrackingSettings,
    VideoSettings,
)
from vreason_tracking.settings.variants import Variant, chosen, expand
from vreason_tracking.settings.yaml_files import dump, read_mapping, read_text
from vreason_tracking.stores import redact_password

_log = logging.getLogger(__name__)

__all__ = ["RunSettings", "Variant", "load_settings", "parse_settings"]


class RunSettings(Section):
    """A whole run. Made by `load_settings` or `parse_settings`, which also check what fields mean together.

    Attributes:
        name: what the run is called.
        model, data, video, prompt, generation, tracking: the sections.
        batch_size: questions decoded side by side.
        seed: of sampling; transformers hands it to NumPy, hence below 2^32.
        variants: the methods, presets and matrix already worked out.
    """

    name: Name = Field(description=NAME_RULE)
    model: ModelSettings = ModelSettings()
    variants: tuple[InstanceOf[Variant], ...]
    data: DataSettings = DataSettings(split="test")
    video: VideoSettings = VideoSettings()
    prompt: PromptSettings = PromptSettings()
    generation: GenerationSettings = GenerationSettings()
    batch_size: int = Field(default=1, ge=1)
    seed: int = Field(default=0, ge=0, le=2**32 - 1)
    tracking: TrackingSettings = TrackingSettings()

    def resolved_variants(self) -> list[Variant]:
        """The methods to run, in the file's order."""
        return list(self.variants)

    def prompt_template(self) -> PromptTemplate:
        """What stands around each question: the template, with the file's text and the suffixes given laid over it.

        Raises:
            ConfigError: the prompt file can no longer be used.
        """
        base = TEMPLATES["reasoning" if self.prompt.template == "auto" else self.prompt.template]
        suffixes: dict[str, str | None] = dict(base.suffixes)
        suffixes.update(dict(self.prompt.suffixes.items()))
        return PromptTemplate(
            text=prompt_text(self.prompt.file) if self.prompt.file else base.text,
            suffixes={kind: suffix for kind, suffix in suffixes.items() if suffix is not None},
        )

    def to_yaml(self) -> str:
        """The configuration as it was understood, every field written out; `parse_settings` makes an equal object of it."""
        data = self.model_dump(exclude={"variants"})
        variants = [variant.to_dict() for variant in self.variants]
        return dump({"name": data.pop("name"), "model": data.pop("model"), "variants": variants, **data})

    def flattened(self) -> dict[str, str | int | float | bool]:
        """Every setting under its dotted path ("generation.max_new_tokens", "variants.0.controller.k"), None as "null".

        Without `tracking`: where a run is recorded is no part of what it does, and its address may hold a password.
        """
        data = self.model_dump(exclude={"variants", "tracking"})
        flat = dict(_flat(data, ""))
        for index, variant in enumerate(self.variants):
            flat[f"variants.{index}.name"] = variant.name
            flat |= {f"variants.{index}.{key}": value for key, value in variant.flattened().items()}
        return flat


_SECTIONS: dict[str, type[BaseModel]] = {
    name: field.annotation
    for name, field in RunSettings.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
}


def load_settings(path: str | Path, overrides: Sequence[str] = (), limit: int | None = None, variants: Sequence[str] = ()) -> RunSettings:
    """Read a configuration file.

    Args:
        path: the YAML file, UTF-8.
        overrides: changes of the form ``a.b=value`` (the value is YAML; list items by index, ``variants.0.controller.k=8``).
        limit: stands for ``data.limit=...``, laid over last.
        variants: keep only these; the name of a listed variant stands for all that a matrix made of it.

    Raises:
        ConfigError: with every fault of the file and of the changes.
    """
    return parse_settings(read_text(Path(path)), str(path), overrides, limit, variants)


def parse_settings(
    text: str, source: str = "", overrides: Sequence[str] = (), limit: int | None = None, variants: Sequence[str] = ()
) -> RunSettings:
    """The same from YAML text; `source` names it in messages.

    Raises:
        ConfigError: with every fault.
    """
    try:
        data, faults = read_mapping(text)
    except ConfigError as error:
        raise ConfigError(error.faults, source) from None
    faults += apply_overrides(data, overrides if limit is None else [*overrides, f"data.limit={limit}"])
    listed, found = expand(data.pop("variants", None), data.pop("matrix", None))
    kept, unknown = chosen(listed, () if found else variants)
    settings, wrong = _validated(data, kept)
    faults += [*wrong, *found, *unknown]
    if faults or settings is None:
        raise ConfigError(faults, source)
    changes = redact_password(" ".join(overrides)) or "none"
    _log.info(
        "settings %s from %s: %d variant(s), limit %s, overrides: %s",
        settings.name,
        source or "text",
        len(kept),
        settings.data.limit,
        changes,
    )
    return settings


def _validated(data: Mapping[str, Any], variants: Sequence[Variant]) -> tuple[RunSettings | None, list[ConfigIssue]]:
    """The settings, or None and their faults, those of single fields first."""
    data = filled_in(data, _SECTIONS)
    combined = combination_faults(data)
    try:
        return RunSettings.model_validate({**data, "variants": tuple(variants)}), combined
    except ValidationError as error:
        return None, [*plain_faults(error, RunSettings, also_known=["matrix"]), *combined]


def _flat(value: Any, path: str) -> list[tuple[str, str | int | float | bool]]:
    if isinstance(value, dict):
        return [pair for key, item in value.items() for pair in _flat(item, f"{path}.{key}" if path else key)]
    return [(path, "null" if value is None else value)]
