"""Is a version what was registered? Its files, its signature, its weights, its run, and if wanted its answer to the example."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vreason.errors import TrackingError, VReasonError
from vreason_tracking.bundles.bundle import FILE_NAME, WEIGHTS, Bundle, read_bundle
from vreason_tracking.bundles.registering import ANSWERED, DIFFERENT, run_example
from vreason_tracking.bundles.registry import Registry, Version
from vreason_tracking.bundles.signing import SIGNATURE, files_digest, signature_fault
from vreason_tracking.bundles.weights import differing_files, model_folder
from vreason_tracking.catalog import Catalog
from vreason_tracking.health import Check
from vreason_tracking.records import AGAINST_TAG, DATA_DIGEST_TAG, FILES_TAG, FORCED_TAG


def verify_version(registry: Registry, catalog: Catalog, version: Version, public_key: Path | None, *, example: bool) -> Iterator[Check]:
    """One fact after another, as each is found out.

    Args:
        registry: of the models.
        catalog: where its run is looked for.
        version: the version.
        public_key: of the team; None checks no signature.
        example: whether the bundle is loaded to answer its example.

    Raises:
        TrackingError: its files cannot be fetched.
        ConfigError: the key is none.
    """
    with registry.files(version) as folder:
        yield _files(version, folder)
        yield _signature(version, folder, public_key)
        try:
            bundle = read_bundle(folder / "artifacts" / FILE_NAME)
        except TrackingError as error:
            yield Check("description", "failure", str(error), "fetch the model anew, or register the run again")
            return
        yield _weights(bundle, folder)
        yield _run(catalog, version, bundle)
        yield _standing(version)
        if example:
            yield _example(bundle, folder)


def _files(version: Version, folder: Path) -> Check:
    expected, found = version.tags.get(FILES_TAG), files_digest(folder)
    if expected == found:
        return Check("files", "ok", f"as registered, SHA-256 {found[:16]}...")
    what = f"their digest is {found[:16]}..., and {(expected or 'none')[:16]}... was registered: a file was changed, added or lost"
    return Check("files", "failure", what, "do not use it; register the run again")


def _signature(version: Version, folder: Path, public_key: Path | None) -> Check:
    present = (folder / SIGNATURE).is_file()
    if not present:
        if version.signed:
            return Check("signature", "failure", "was signed when it was registered, and its signature is gone", "do not use it")
        hint = "register it with --signing-key"
        return Check("signature", "warning", "unsigned", hint) if public_key is None else Check("signature", "failure", "unsigned", hint)
    if public_key is None:
        return Check("signature", "warning", "signed, and not checked", "name the team's key with --public-key, or set VREASON_PUBLIC_KEY")
    fault = signature_fault(folder, public_key)
    if fault is None:
        return Check("signature", "ok", f"holds for the key {public_key}")
    return Check("signature", "failure", f"does not hold for the key {public_key}: {fault}", "do not use it, or name the right key")


def _weights(bundle: Bundle, folder: Path) -> Check:
    model, count = bundle.model, len(bundle.model.files)
    try:
        place = folder / "artifacts" / WEIGHTS if model.included else model_folder(model.source, model.revision)
        wrong = differing_files(place, model.files)
    except VReasonError as error:
        return Check("weights", "warning", str(error), "they are checked when the bundle is loaded")
    except OSError as error:
        return Check("weights", "failure", f"cannot be read: {error}", "check the folder's permissions")
    where = "in the bundle" if model.included else f"of {model.id}{f' at {model.revision}' if model.revision else ''}, here"
    if not wrong:
        return Check("weights", "ok", f"all {count} files {where} have the SHA-256 that was registered")
    if len(wrong) == count and not model.included and not place.is_dir():
        return Check("weights", "warning", f"{model.id} is not on this machine", "they are checked when the bundle is loaded")
    return Check("weights", "failure", f"{wrong[0]} {where} differs, {len(wrong)} of {count} files in all", "restore the weights")


def _run(catalog: Catalog, version: Version, bundle: Bundle) -> Check:
    try:
        run = catalog.find(version.run_id)
    except TrackingError as error:
        return Check("run", "failure", f"the run that it was made of is gone: {error}", "restore it: `vreason-track runs restore`")
    if dict(run.identity) != bundle.origin.identity:
        return Check("run", "failure", f"run {version.run_id} has another fingerprint than the bundle says", "register that run again")
    digest = run.tags.get(DATA_DIGEST_TAG, "")
    changed = _changed_figures(run.stored.metrics if run.stored else {}, bundle)
    if changed:
        return Check("run", "failure", f"figures of run {version.run_id} are not those of the bundle: {changed}", "see who changed them")
    return Check("run", "ok", f"{version.run_id} ({bundle.origin.variant}), fingerprint and figures agree, data {digest[:12] or 'unknown'}")


def _changed_figures(metrics: Any, bundle: Bundle) -> str:
    differing = [
        f"{name} {metrics[name]:.6g} for {value:.6g}"
        for name, value in bundle.origin.figures.items()
        if name in metrics and abs(metrics[name] - value) > 1e-9 * max(1.0, abs(value))
    ]
    return ", ".join(differing[:3])


def _standing(version: Version) -> Check:
    if version.retired:
        return Check("standing", "failure", f"retired: {version.retired}", "use another version")
    if forced := version.tags.get(FORCED_TAG):
        what = f"registered by force ({forced}), although: {version.tags.get(AGAINST_TAG, 'nothing is said')}"
        return Check("standing", "warning", what, "register a run against which nothing speaks")
    names = ", ".join(f"@{alias}" for alias in version.aliases) or "no alias"
    return Check("standing", "ok", names)


def _example(bundle: Bundle, folder: Path) -> Check:
    try:
        outcome = run_example(folder, bundle)
    except (VReasonError, OSError, ValueError, KeyError) as error:
        return Check("example", "failure", f"is not answered: {error}", "see `vreason-track doctor`, and the bundle's requirements.txt")
    if outcome == DIFFERENT:
        what = "is answered otherwise than the run did"
        return Check("example", "warning", what, "another device, type or version of torch may draw other tokens: see requirements.txt")
    told = "is answered; what the run answered is not known" if outcome == ANSWERED else "is answered as the run did, token by token"
    return Check("example", "ok", told)
