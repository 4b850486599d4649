"""Cards of registered versions: gathered from the version's run and those of its call, and kept beside the bundle in the registry.

The card is no part of the files that are signed, for it says whether they are: its own digests stand in the audit trail.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from vreason.errors import TrackingError, VReasonError
from vreason_tracking.bundles import CARD_FOLDER, Registered, Registration, Registry, Version, register
from vreason_tracking.cards.bill_of_materials import FILE as BILL, bill_of_materials
from vreason_tracking.cards.evidence import Evidence, VersionFacts
from vreason_tracking.cards.folder_check import EVIDENCE, PAGE, README
from vreason_tracking.cards.gathering import gather
from vreason_tracking.cards.html_page import to_html
from vreason_tracking.cards.readme import hand_written, to_readme
from vreason_tracking.cards.summary import Summary, read_summary, summary_of
from vreason_tracking.catalog import Catalog, recorded_runs
from vreason_tracking.comparison import named_runs
from vreason_tracking.presentation import escaped
from vreason_tracking.records import CALL_TAG, CARD_TAG, FILES_TAG

_BEGIN, _END = "<!-- card: begin -->", "<!-- card: end -->"
_PART = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)


def version_evidence(
    registry: Registry,
    version: Version,
    catalog: Catalog,
    title: str | None = None,
    baseline: str | None = None,
    *,
    runs: Sequence[str] = (),
    force: bool = False,
) -> Evidence:
    """The evidence of a version: its run, and the finished ones of the same call of `run`.

    Args:
        registry: of the models.
        version: of a model.
        catalog: where its runs are looked for.
        runs: ids of those that the card is to be of instead, the version's own among them.
        title: of the card; None takes the version's label.
        baseline: name or id of the run that the others are compared with.
        force: compare unlike runs, with a warning.

    Raises:
        IncomparableRunsError: they are not alike.
        TrackingError: one is not there, or its record cannot be read.
    """
    found = named_runs(catalog, runs or runs_beside(version, catalog), baseline)
    with recorded_runs(found.runs) as recorded:
        own = next((run for run in recorded if version.run_id in run.ids), None)
        if own is None:
            raise TrackingError(f"{version.label}: its run {version.run_id} is none of those that the card is of; build the card again")
        facts = VersionFacts(
            version.label,
            own.name,
            registry.has_signature(version),
            version.tags.get(FILES_TAG, ""),
            version.example,
            version.forced,
            version.against,
        )
        return gather(recorded, title or version.label, catalog.root, baseline, model=facts, force=force)


def register_with_card(
    catalog: Catalog, wanted: Registration, notice: Callable[[str], None], notes: str = ""
) -> tuple[Registered, Summary | None]:
    """Register a run, and put a card beside the new version; None where none can be made, which is said and undoes nothing.

    Args:
        catalog: where runs are looked for; its store takes the model.
        wanted: what is to be registered.
        notice: told in a sentence what goes on.
        notes: hand-written part of the card.

    Raises:
        VReasonError: the run cannot be registered, as in `bundles.register`.
    """
    made = register(catalog, wanted, notice)
    notice("making its card")
    try:
        registry = Registry.of(catalog)
        evidence = version_evidence(registry, made.version, catalog, force=True)
        return made, store_card(registry, made.version, evidence, notes)
    except VReasonError as error:
        notice(f"no card could be made: {error}. Make it later with `vreason-track card build {made.version.label} --store`")
        return made, None


def runs_beside(version: Version, catalog: Catalog) -> list[str]:
    """Ids of the runs of the call that a version's run is of, oldest first; a run that is of none is alone.

    Raises:
        TrackingError: its own run is not there.
    """
    index = catalog.read()
    run = index.find(version.run_id)
    call = run.tags.get(CALL_TAG) or (run.local.manifest.call_id if run.local else "")
    beside = [
        each
        for each in index.runs
        if call and call in (each.tags.get(CALL_TAG), each.local.manifest.call_id if each.local else None) and each.status == "FINISHED"
    ]
    ids = [each.shown_id for each in sorted(beside, key=lambda each: (each.started_ms, each.variant != "baseline", each.variant))]
    return ids if run.shown_id in ids else [*ids, run.shown_id]


def card_files(evidence: Evidence, notes: str = "") -> dict[str, bytes]:
    """A version's card in all its forms, by file name."""
    texts = {
        README: to_readme(evidence, notes),
        PAGE: to_html(evidence, notes),
        EVIDENCE: evidence.to_json(),
        BILL: bill_of_materials(evidence),
    }
    return {name: text.encode() for name, text in texts.items()}


def store_card(registry: Registry, version: Version, evidence: Evidence, notes: str = "") -> Summary:
    """Keep a card beside its version: its files, its summary as a tag, and the finding in the descriptions that MLflow shows.

    Raises:
        TrackingError: it cannot be entered into the audit trail, or the registry refuses.
    """
    files = card_files(evidence, notes)
    summary = replace(summary_of(evidence), files=files_digest(files))
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    registry.enter("card.stored", f"model:{version.label}", sha256=digests)
    with TemporaryDirectory(prefix="vreason-card-") as folder:
        for name, content in files.items():
            path = Path(folder) / CARD_FOLDER / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        registry.add_files(version, Path(folder))
    registry.tag(version, {CARD_TAG: summary.to_text()})
    registry.describe(version, f"{escaped(summary.finding)}", _with_finding)
    return summary


def files_digest(files: Mapping[str, bytes]) -> str:
    """A digest of a card's files, names and contents; in hexadecimal."""
    whole = hashlib.sha256(b"vreason card files v1\n")
    for name in sorted(files):
        whole.update(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n".encode())
    return whole.hexdigest()


def _with_finding(description: str, finding: str) -> str:
    """A description with the finding in the place of an earlier one; what else stands there stays."""
    part = f"{_BEGIN}\n{finding}\n{_END}"
    kept = _PART.sub("", description).strip()
    return f"{part}\n\n{kept}" if kept else part


def stored_card(registry: Registry, version: Version) -> Mapping[str, bytes]:
    """The files of a version's card, by name.

    Raises:
        TrackingError: it has none, or they cannot be fetched.
    """
    if CARD_TAG not in version.tags:
        raise TrackingError(f"{version.label} has no card; make one with `vreason-track card build {version.label} --store`")
    return registry.read_files(version, [f"{CARD_FOLDER}/{name}" for name in (README, PAGE, EVIDENCE, BILL)])


def stored_notes(registry: Registry, version: Version) -> str:
    """The hand-written part of a version's card; "" where it has no card, or nobody has written anything.

    Raises:
        TrackingError: the card cannot be fetched.
    """
    if CARD_TAG not in version.tags:
        return ""
    return hand_written(registry.read_files(version, [f"{CARD_FOLDER}/{README}"])[README].decode("utf-8", "replace"))


def stored_summary(version: Version) -> Summary | None:
    """What the list of cards shows of a version; None where it has no card."""
    return read_summary(version.tags.get(CARD_TAG, ""))
