"""The card as a CycloneDX 1.6 bill of materials for machine learning (ML-BOM): what a bundle is made of, and what was measured with it.

Nothing in it is of today: the same evidence gives the same bytes, serial number and all.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from vreason_tracking.cards.evidence import Evidence, Figure, RunFacts
from vreason_tracking.cards.plain_text import valid
from vreason_tracking.cards.sections import limits
from vreason_tracking.records import CROISSANT_TAG, DATA_DIGEST_TAG, MODEL_REVISION_TAG, VERSION_PREFIX

FILE = "mlbom.cdx.json"
_MODEL, _DATA = "model", "data"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/vreason-card")
_LONGEST = 1024  # characters of a version, as the schema has it
_HUB = "https://huggingface.co/"

Document = dict[str, Any]


def bill_of_materials(evidence: Evidence) -> str:
    """The document as JSON.

    Args:
        evidence: of the card.
    """
    subject = {**_named(evidence), "type": "machine-learning-model", "bom-ref": "subject", "modelCard": _model_card(evidence)}
    components = [*_base_models(evidence), *_libraries(evidence), *_files(evidence)]
    serial = uuid.uuid5(_NAMESPACE, hashlib.sha256(evidence.to_json().encode()).hexdigest())
    made = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "vreason-track", "version": evidence.version}]},
            "component": subject,
        },
        "components": components,
        "dependencies": [
            {"ref": "subject", "dependsOn": [each["bom-ref"] for each in components]},
            *({"ref": each["bom-ref"]} for each in components),
        ],
    }
    return valid(json.dumps(made, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _named(evidence: Evidence) -> Document:
    if evidence.model is None:
        return {"name": evidence.title or "card"}
    name, _, version = evidence.model.label.rpartition("/")
    digest = evidence.model.files_sha256
    facts = {"signed": str(evidence.model.signed).lower(), **({"files.sha256": digest} if digest else {})}
    return {"name": name, "version": version[:_LONGEST], "properties": _properties(facts)}


def _model_card(evidence: Evidence) -> Document:
    metrics = [_metric(figure) for figure in evidence.figures if figure.grouping in ("all", "benchmark") and figure.value is not None]
    settings = {f"{run.name}/{each.name}": f"{each.value} ({each.source})" for run in evidence.runs for each in run.settings}
    decoding = {f"{run.name}/{name}": value for run in evidence.runs for name, value in run.decoding}
    return {
        "modelParameters": {
            "task": "video-text-to-text",
            **({"architectureFamily": family} if (family := evidence.runs[0].model.get("family")) else {}),
            "datasets": list(_datasets(evidence)),
            "inputs": [{"format": "video"}, {"format": "string"}],
            "outputs": [{"format": "string"}],
        },
        "quantitativeAnalysis": {"performanceMetrics": metrics},
        "considerations": {"technicalLimitations": [*limits(evidence), *(f"not in the record: {each}" for each in evidence.missing)]},
        "properties": _properties({**settings, **decoding}),
    }


def _metric(figure: Figure) -> Document:
    interval = {}
    if figure.low is not None and figure.high is not None:
        interval = {"confidenceInterval": {"lowerBound": repr(figure.low), "upperBound": repr(figure.high)}}
    kind = f"{figure.metric} ({figure.statistic})"
    return {"type": kind, "value": repr(figure.value), "slice": f"{figure.run}: {figure.group}", **interval}


def _datasets(evidence: Evidence) -> Iterator[Document]:
    """The data of all runs, each once."""
    told: dict[str, Document] = {}
    for run in evidence.runs:
        digest = run.provenance.get(DATA_DIGEST_TAG, "")
        facts = {"questions": str(run.asked), **({"digest": digest} if digest else {})}
        croissant = _croissant(run)
        facts |= {f"croissant.{name}": value for name, value in croissant.items()}
        contents: Document = {"properties": _properties(facts)}
        if url := _web_address(croissant.get("url", "")):
            contents["url"] = url
        name = croissant.get("name") or run.config or "data"
        made = {"type": "dataset", "bom-ref": f"{_DATA}-{len(told)}", "name": name, "contents": contents}
        told.setdefault(json.dumps({**made, "bom-ref": ""}, sort_keys=True), made)
    yield from told.values()


def _croissant(run: RunFacts) -> Mapping[str, str]:
    try:
        told = json.loads(run.provenance.get(CROISSANT_TAG, "{}"))
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in told.items()} if isinstance(told, dict) else {}


def _web_address(text: str) -> str | None:
    """An address of the web without what no address has; None where it is none."""
    whole = quote(valid(text), safe=":/?#[]@!$&'()*+,;=%~")
    return whole if whole.startswith(("https://", "http://")) and whole == text else None


def _base_models(evidence: Evidence) -> Iterator[Document]:
    told = dict.fromkeys((run.model.get("id", ""), run.provenance.get(MODEL_REVISION_TAG, "")) for run in evidence.runs)
    for number, (name, revision) in enumerate(told):
        page = _web_address(f"{_HUB}{name}") if name.count("/") == 1 and not name.startswith(("/", ".")) else None
        yield {
            "type": "machine-learning-model",
            "bom-ref": f"{_MODEL}-{number}",
            "name": name or "not recorded",
            **({"version": revision[:_LONGEST]} if revision else {}),
            "description": "The frozen base model.",
            **({"externalReferences": [{"type": "distribution", "url": page}]} if page else {}),
        }


def _libraries(evidence: Evidence) -> Iterator[Document]:
    told = dict.fromkeys(
        (name.removeprefix(VERSION_PREFIX), version)
        for run in evidence.runs
        for name, version in run.provenance.items()
        if name.startswith(VERSION_PREFIX)
    )
    for name, version in told:
        purl = f"pkg:pypi/{quote(valid(name.lower().replace('_', '-')), safe='')}@{quote(valid(version), safe='')}"
        yield {"type": "library", "bom-ref": f"library-{name}-{version}", "name": name, "version": version[:_LONGEST], "purl": purl}


def _files(evidence: Evidence) -> Iterator[Document]:
    for number, run in enumerate(evidence.runs):
        for name, digest in run.files.items():
            yield {
                "type": "file",
                "bom-ref": f"file-{number}-{name}",
                "name": name,
                "description": f"The samples of {run.name}, run {run.run_id}.",
                "hashes": [{"alg": "SHA-256", "content": digest}],
            }


def _properties(told: Mapping[str, str]) -> list[Document]:
    return [{"name": f"vreason:{name}", "value": str(value)} for name, value in told.items()]
