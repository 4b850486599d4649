"""The configuration of a run, `vreason-track run --config FILE`: YAML in, one frozen object out, or everything wrong with it at once.

    settings = load_settings("configs/quickstart.yaml", overrides=["data.limit=8"], variants=["v-reason"])
    for variant in settings.resolved_variants(): ...

Sections and their fields: `vreason.models.ModelSpec`, `vreason.video.VideoConfig`, and in `sections` the others. Methods, presets and the
matrix: `variants`. Relative paths start from the current folder. Needs neither torch nor MLflow.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, InstanceOf, ValidationError

from vreason.config_mapping import config_from_mapping
from vreason.errors import ConfigError, ConfigIssue
from vreason.models import ModelSpec
from vreason.prompts import TEMPLATES, PromptTemplate
from vreason.video import VideoConfig
from vreason_tracking.settings.config_paths import from_folder
from vreason_tracking.settings.issues import NAME_RULE, plain_issues, section_fields, setting_paths
from vreason_tracking.settings.overrides import apply_overrides
from vreason_tracking.settings.rules import combination_issues, filled_in, prompt_text
from vreason_tracking.settings.sections import (
    DataSettings,
    GenerationSettings,
    Name,
    PromptSettings,
    Section,
    TrackingSettings,
)
from vreason_tracking.settings.variants import Variant, chosen, expand
from vreason_tracking.settings.yaml_files import dump, read_mapping, read_text
from vreason_tracking.stores import redact_password

_log = logging.getLogger(__name__)

__all__ = ["RunSettings", "Variant", "load_settings", "parse_settings"]


def _texts(value: Any) -> tuple[str, ...]:
    if value is None:  # a list whose lines are all commented out
        return ()
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
        raise ValueError
    return tuple(value)


class RunSettings(Section):
    """A whole run. Made by `load_settings` or `parse_settings`, which also check what fields mean together.

    Attributes:
        name: what the run is called.
        model, data, video, prompt, generation, tracking: the sections.
        batch_size: questions decoded side by side.
        schedule: `interleaved`: for each batch all variants in turn, so that they are measured under the same conditions; `sequential`: one
            variant after another.
        listeners: who else is told of the run: names of installed ones, or "module:Class" (see `vreason.Listener`).
        seed: of sampling; transformers hands it to NumPy, hence below 2^32.
        variants: the methods, presets and matrix already worked out.
    """

    name: Name = Field(description=NAME_RULE)
    model: InstanceOf[ModelSpec] = ModelSpec()
    variants: tuple[InstanceOf[Variant], ...]
    data: DataSettings = DataSettings(split="test")
    video: InstanceOf[VideoConfig] = VideoConfig()
    prompt: PromptSettings = PromptSettings()
    generation: GenerationSettings = GenerationSettings()
    batch_size: int = Field(default=1, ge=1)
    schedule: Literal["interleaved", "sequential"] = "interleaved"
    listeners: Annotated[tuple[str, ...], BeforeValidator(_texts)] = Field(
        default=(), description="a list of names, each of an installed listener or written module:Class"
    )
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


_SECTIONS = [name for name, field in RunSettings.model_fields.items() if section_fields(field.annotation)]
_CONFIGS: dict[str, Any] = {name: field.annotation for name, field in RunSettings.model_fields.items() if is_dataclass(field.annotation)}


def load_settings(path: str | Path, overrides: Sequence[str] = (), limit: int | None = None, variants: Sequence[str] = ()) -> RunSettings:
    """Read a configuration file. Relative paths of its inputs start from its own folder, those of `overrides` from the current one.

    Args:
        path: the YAML file, UTF-8.
        overrides: changes of the form ``a.b=value`` (the value is YAML; list items by index, ``variants.0.controller.k=8``).
        limit: `data.limit`, in the place of the file's and of `overrides`'.
        variants: keep only these; the name of a listed variant stands for all that a matrix made of it.

    Raises:
        ConfigError: with everything wrong in the file and in the changes.
    """
    return _parsed(read_text(Path(path)), str(path), overrides, limit, variants, Path(path).parent)


def parse_settings(
    text: str, source: str = "", overrides: Sequence[str] = (), limit: int | None = None, variants: Sequence[str] = ()
) -> RunSettings:
    """Read a configuration from YAML text, whose relative paths start from the current folder; `source` names it in messages.

    Raises:
        ConfigError: with everything wrong.
    """
    return _parsed(text, source, overrides, limit, variants, Path())


def _parsed(text: str, source: str, overrides: Sequence[str], limit: int | None, variants: Sequence[str], folder: Path) -> RunSettings:
    try:
        data, issues = read_mapping(text)
    except ConfigError as error:
        raise ConfigError(error.issues, source) from None
    from_folder(data, folder)
    issues += apply_overrides(data, overrides)
    if limit is not None:
        _limit(data, limit)
    listed, found = expand(data.pop("variants", None), data.pop("matrix", None))
    kept, unknown = chosen(listed, () if found else variants)
    settings, wrong = _validated(data, kept)
    issues += [*wrong, *found, *unknown]
    if issues or settings is None:
        raise ConfigError(issues, source)
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


def _limit(data: dict[str, Any], limit: int) -> None:
    """Lay a limit over what the file says; a section that is none is left for the validation to name."""
    section = data.get("data")
    if section is None or isinstance(section, dict):
        data["data"] = {**(section or {}), "limit": limit}


def _validated(data: Mapping[str, Any], variants: Sequence[Variant]) -> tuple[RunSettings | None, list[ConfigIssue]]:
    """The settings, or None and everything wrong with them, single fields first."""
    data = filled_in(data, _SECTIONS)
    combined = combination_issues(data)
    configs, wrong = _configs(data)
    try:
        return RunSettings.model_validate({**data, **configs, "variants": tuple(variants)}), [*wrong, *combined]
    except ValidationError as error:
        return None, [*wrong, *plain_issues(error, RunSettings, also_known=["matrix"]), *combined]


def _configs(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[ConfigIssue]]:
    """The sections that are dataclasses, with defaults in the place of those that are wrong, and everything wrong with them."""
    made: dict[str, Any] = {}
    wrong: list[ConfigIssue] = []
    for name, kind in _CONFIGS.items():
        config, issues = config_from_mapping(kind, data[name], name, elsewhere=setting_paths(RunSettings))
        made[name] = kind() if config is None else config
        wrong += issues
    return made, wrong


def _flat(value: Any, path: str) -> list[tuple[str, str | int | float | bool]]:
    if isinstance(value, tuple):
        return [(path, ", ".join(map(str, value)) or "null")]
    if isinstance(value, dict):
        return [pair for key, item in value.items() for pair in _flat(item, f"{path}.{key}" if path else key)]
    return [(path, "null" if value is None else value)]
