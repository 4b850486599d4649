"""Whether what a card rests on is as it was recorded: files by the digests in the audit trail, and its entries by the tree over them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vreason_tracking.audit import (
    FILE,
    LOCAL_PREFIX,
    AuditDatabase,
    AuditLog,
    Filter,
    ProofError,
    leaf_hash,
    local_uri,
    own_details,
    verify_inclusion,
)
from vreason_tracking.bundles import Registry, Version, verify_version
from vreason_tracking.cards.check import Mismatch
from vreason_tracking.cards.evidence import Evidence, RunFacts
from vreason_tracking.catalog import Catalog


def check_sources(evidence: Evidence, journal: Path) -> list[Mismatch]:
    """What of the sources is not as it was entered; empty where everything is, or where no audit trail stands beside the journal.

    Args:
        evidence: of the card.
        journal: whose audit trail has entries about the runs.

    Raises:
        TrackingError: the audit trail cannot be read.
    """
    path = (journal / FILE).absolute()
    if not path.is_file():
        return []
    log = AuditLog(AuditDatabase(local_uri(path)))
    return [each for run in evidence.runs for each in (*_entries(run, log), *changed_files(run, log))]


def check_bundle(registry: Registry, catalog: Catalog, version: Version, public_key: Path | None) -> list[Mismatch]:
    """What of the version that a card is of is not as it was registered; its signature where a key is given.

    Args:
        registry: of the models.
        catalog: where its run is looked for.
        version: the version.
        public_key: of the team; None checks no signature.

    Raises:
        TrackingError: its files cannot be fetched.
        ConfigError: the key is none.
    """
    found = verify_version(registry, catalog, version, public_key, example=False)
    return [
        Mismatch(f"{version.label}, {each.name}", "as registered", each.detail)
        for each in found
        if each.state == "failure" and each.name != "standing"  # a version that is retired has a card that is true
    ]


def _entries(run: RunFacts, log: AuditLog) -> Iterator[Mismatch]:
    """Entries that the tree does not hold."""
    for position in run.audit:
        entry, state = log.entry(position.index), log.state()
        leaf = leaf_hash(entry.to_bytes())
        try:
            verify_inclusion(leaf, position.index, state.size, log.inclusion(position.index, state.size), state.root)
        except ProofError as error:
            yield Mismatch(f"audit trail, entry {position.index} about {run.name}", position.leaf, f"not in the tree: {error}")


def changed_files(run: RunFacts, log: AuditLog) -> Iterator[Mismatch]:
    """Files of a run that are not those that were stored last, as a journal's own log or the one that took it over has it.

    Args:
        run: of a card.
        log: the audit trail.
    """
    for action in ("artifact.stored", f"{LOCAL_PREFIX}artifact.stored"):
        stored = log.entries(Filter(subject=f"run:{run.journal_id}", action=action), newest_first=True, limit=1)
        known = own_details(stored[0]).get("sha256") if stored else None
        if not isinstance(known, dict) or run.run_id == run.journal_id:
            continue
        for name, digest in run.files.items():
            if name in known and known[name] != digest:
                yield Mismatch(f"{name} of {run.name}", digest, f"{known[name]} when it was stored (entry {stored[0].index})")
