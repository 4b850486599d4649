"""vreason_tracking.cards.versions: a registered version has its card beside it, which the signature and the files' digest leave out."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.helpers.bundle_world import BundleWorld
from vreason.errors import TrackingError
from vreason_tracking.audit import FILE, AuditDatabase, AuditLog, Filter, local_uri
from vreason_tracking.bundles import Registration, verify_version
from vreason_tracking.cards import (
    check,
    check_bundle,
    register_with_card,
    store_card,
    stored_card,
    stored_summary,
    to_readme,
    version_evidence,
)


def test_a_new_version_has_a_card(bundles: BundleWorld) -> None:
    """Of its run beside its call's baseline, not stale; its summary is on the version, its finding in the descriptions."""
    registry = bundles.registry
    version = registry.find("shapes/1")
    files = stored_card(registry, version)
    evidence = version_evidence(bundles.registry, version, bundles.catalog)
    assert {"README.md", "card.html", "evidence.json", "mlbom.cdx.json"} == set(files)
    assert files["evidence.json"].decode() == evidence.to_json()
    assert [] == check(files["README.md"].decode(), evidence)
    assert ["baseline", "v-reason"] == [run.name for run in evidence.runs]
    summary = stored_summary(version)
    assert summary is not None
    assert summary.finding.startswith("v-reason: ")
    assert summary.finding.partition(":")[0] in version.description
    whole = registry.client.get_registered_model("shapes").description
    assert "shapes/1: v-reason" in whole.replace("\\", "")


def test_the_files_are_what_was_registered(bundles: BundleWorld) -> None:
    """The card beside them is no change of the bundle."""
    version = bundles.registry.find("shapes/1")
    found = {each.name: each.state for each in verify_version(bundles.registry, bundles.catalog, version, None, example=False)}
    assert "ok" == found["files"]
    assert [] == check_bundle(bundles.registry, bundles.catalog, version, None)


def test_the_card_is_entered_with_its_digests(bundles: BundleWorld) -> None:
    """The audit trail has the SHA-256 of every file of it."""
    import hashlib

    log = AuditLog(AuditDatabase(local_uri(bundles.root / FILE)))
    (entry, *_) = log.entries(Filter(subject="model:shapes/1", action="card.stored"))
    files = stored_card(bundles.registry, bundles.registry.find("shapes/1"))
    assert {name: hashlib.sha256(content).hexdigest() for name, content in files.items()} == entry.details["sha256"]


def test_a_signed_version(own_bundles: BundleWorld, tmp_path: Path) -> None:
    """Its card says so, its signature holds with the card beside it, and another key is a mismatch."""
    keys = {}
    for name in ("team", "other"):
        key, public = tmp_path / f"{name}.pem", tmp_path / f"{name}.pub"
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key], check=True, capture_output=True)
        subprocess.run(["openssl", "ec", "-in", key, "-pubout", "-out", public], check=True, capture_output=True)
        keys[name] = public
    made = own_bundles.register("v-reason", with_card=True, signing_key=tmp_path / "team.pem")
    version = own_bundles.registry.find(made.version.label)
    assert "A signature over all its files lies in it" in stored_card(own_bundles.registry, version)["README.md"].decode()
    assert [] == check_bundle(own_bundles.registry, own_bundles.catalog, version, keys["team"])
    (wrong,) = check_bundle(own_bundles.registry, own_bundles.catalog, version, keys["other"])
    assert f"{version.label}, signature" == wrong.where


def test_a_card_is_built_anew(own_bundles: BundleWorld) -> None:
    """With notes: the new one takes the place of the old one, and the descriptions have one finding each, and keep what else is there."""
    made = own_bundles.register("v-reason", with_card=True)
    registry, version = own_bundles.registry, made.version
    registry.client.update_registered_model("shapes", registry.client.get_registered_model("shapes").description + "\n\nAsk Ada.")
    store_card(registry, version, version_evidence(own_bundles.registry, version, own_bundles.catalog), "For shapes only.")
    assert "For shapes only." in stored_card(registry, registry.find(version.label))["README.md"].decode()
    whole = registry.client.get_registered_model("shapes").description
    assert (1, 1) == (whole.count("card: begin"), whole.count("Ask Ada."))
    assert f"{version.label}: v-reason" in whole.replace("\\", "")


def test_a_version_without_a_card(own_bundles: BundleWorld) -> None:
    """It is said how one is made; whatever stands in the tag instead is no summary."""
    made = own_bundles.register("baseline")
    with pytest.raises(TrackingError, match=r"has no card; make one with `vreason-track card build shapes/2 --store`"):
        stored_card(own_bundles.registry, made.version)
    for text in ("", "x", "[]", "{}", json.dumps({"title": 1})):
        own_bundles.registry.tag(made.version, {"vreason.card": text or " "})
        assert stored_summary(own_bundles.registry.find("shapes/2")) is None


def test_a_card_that_cannot_be_made_undoes_nothing(own_bundles: BundleWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The version is there, and what was wrong is said with what to do."""

    def broken(*_: object, **__: object) -> None:
        raise TrackingError("the disk is full")

    monkeypatch.setattr("vreason_tracking.cards.versions.version_evidence", broken)
    told: list[str] = []
    made, summary = register_with_card(own_bundles.catalog, Registration(run="baseline", name="shapes", run_example=False), told.append)
    assert (None, "shapes/2") == (summary, own_bundles.registry.find(made.version.label).label)
    assert "no card could be made: the disk is full" in told[-1]
    assert "card build shapes/2 --store" in told[-1]


def test_a_card_of_a_version_names_it(bundles: BundleWorld) -> None:
    """The README's front matter has the version, so that a check finds it again."""
    from vreason_tracking.cards import claims_of

    evidence = version_evidence(bundles.registry, bundles.registry.find("shapes/1"), bundles.catalog)
    assert "shapes/1" == claims_of(to_readme(evidence)).model
