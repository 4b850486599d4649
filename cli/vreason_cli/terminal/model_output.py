"""Versions of models on the terminal and as JSON, and the registry that a command works with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from vreason_tracking.bundles import Bundle, Changed, Registry, Version, VersionDifference


def open_registry(tracking_uri: str | None) -> Registry:
    """The registry of the tracking store.

    Raises:
        TrackingError: it cannot be used.
    """
    from vreason_tracking.bundles import Registry
    from vreason_tracking.stores import open_store

    return Registry(open_store(tracking_uri, None, patient=False))


def version_document(version: Version) -> dict[str, Any]:
    """A version for machines; docs/records.md names the fields."""
    from vreason_tracking.catalog import iso

    return {
        "name": version.name,
        "version": version.version,
        "uri": version.uri,
        "aliases": list(version.aliases),
        "run": version.run_id,
        "registered": iso(version.created_ms),
        "by": version.created_by,
        "signed": version.signed,
        "example": version.example,
        "forced": version.forced,
        "against": version.against,
        "retired": version.retired,
    }


def print_version(version: Version, bundle: Bundle) -> None:
    """Everything about a version, part by part."""
    from vreason_cli.terminal.listing import moment
    from vreason_tracking.catalog import iso

    origin, model = bundle.origin, bundle.model
    aliases = " ".join(f"@{alias}" for alias in version.aliases)
    weights = "in the bundle" if model.included else f"of {model.id}{f' at {model.revision}' if model.revision else ''}"
    parts: dict[str, Sequence[str]] = {
        "version": [f"{version.label} {aliases}".strip()],
        "state": _state(version),
        "made": [f"{moment(iso(version.created_ms))} by {version.created_by or '?'}; {'signed' if version.signed else 'unsigned'}"],
        "run": [f"{origin.mlflow_run_id}: {origin.variant} of config {origin.config}, experiment {origin.experiment}"],
        "model": [f"{model.family}, {model.dtype}, weights {weights}", f"{len(model.files)} files; {model.weights_revision}"],
        "method": _pairs(_flat(bundle.method)),
        "prompt": [repr(bundle.prompt["text"])],
        "video": _pairs({name: value for name, value in bundle.video.items() if value is not None}),
        "decoding": _pairs({**bundle.generation, "seed": bundle.seed}),
        "callers": [f"{name}: {bound}" for name, bound in bundle.bounds.items()] or ["nothing can be changed"],
        "figures": _pairs(origin.figures),
        "example": [f"{bundle.example.sample_id}: {version.example}"],
        "identity": _pairs(origin.identity),
    }
    for name, lines in parts.items():
        for place, line in enumerate(lines):
            click.echo(f"{click.style(f'{name if place == 0 else str():<9}', bold=True)} {line}")


def _state(version: Version) -> list[str]:
    if version.retired:
        return [f"retired: {version.retired}"]
    if version.forced:
        return [f"registered by force ({version.forced}), although {version.against}"]
    return []


def _flat(method: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for part, values in method.items():
        flat |= {part: "off"} if values is None else {f"{part}.{name}": value for name, value in values.items()}
    return flat


def _pairs(values: Mapping[str, Any]) -> list[str]:
    return [f"{name:<32} {value:.6g}" if isinstance(value, float) else f"{name:<32} {value}" for name, value in values.items()]


def print_changes(title: str, changes: Sequence[Changed], one: str, other: str) -> None:
    """What differs, a row each."""
    from vreason_cli.terminal.listing import print_table

    click.secho(title, bold=True)
    if not changes:
        click.echo("  none differ")
        return
    print_table((title[:-1], one, other), [[each.name, _shown(each.one), _shown(each.other)] for each in changes])
    click.echo()


def _shown(value: Any) -> str:
    text = "off" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def difference_document(found: VersionDifference) -> dict[str, Any]:
    """Two versions for machines."""
    from dataclasses import asdict

    from vreason_tracking.comparison import document

    return {
        "one": version_document(found.one),
        "other": version_document(found.other),
        "settings": [asdict(each) for each in found.settings],
        "figures": [asdict(each) for each in found.figures],
        "comparison": document(found.comparison) if found.comparison is not None else None,
        "note": found.note,
    }
