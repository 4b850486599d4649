"""Loads a bundle's model, and makes sure that it is the one that was registered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from vreason.errors import UnsupportedModelError
from vreason.models import LoadedModel, find_model, load_model
from vreason_tracking.bundles.bundle import Bundle
from vreason_tracking.bundles.weights import differing_files, model_folder


def load_bundle_model(bundle: Bundle, included: Path | None = None, device: str | None = None) -> LoadedModel:
    """The model in evaluation mode. Its files are hashed while they are loaded.

    Args:
        bundle: its description.
        included: the folder of its weights, where they are part of the bundle.
        device: in the place of the registered one.

    Raises:
        UnsupportedModelError: it cannot be loaded, or a file of it is not the one that was registered.
    """
    spec = bundle.model.spec(included, device)
    found = find_model(spec)
    with ThreadPoolExecutor(1, thread_name_prefix="weights") as beside:
        checked = beside.submit(lambda: differing_files(model_folder(found.source, spec.revision), bundle.model.files))
        loaded = load_model(spec, found)
        wrong = checked.result()
    if wrong:
        shown = f"{wrong[0]}{f' and {len(wrong) - 1} more' if len(wrong) > 1 else ''}"
        raise UnsupportedModelError(
            f"model {bundle.model.id!r}: {shown} is not the file that was registered (its SHA-256 differs, or it is not there);"
            " restore the weights, or register a run that was made with these"
        )
    return loaded
