"""Writes a bundle as an MLflow model: a folder with its description, the code's entry, its requirements, the example and, if wanted, the
weights; and the signature over all of it.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vreason_tracking.bundles import bundle_code
from vreason_tracking.bundles.bundle import BUNDLE, WEIGHTS, Bundle
from vreason_tracking.bundles.model_schema import model_signature
from vreason_tracking.bundles.requirements import pinned_requirements
from vreason_tracking.records import PLUGINS_TAG

_log = logging.getLogger(__name__)


def pack(
    bundle: Bundle,
    folder: Path,
    example: Mapping[str, Any],
    weights: Path | None,
    code_paths: Sequence[Path] = (),
    model_id: str | None = None,
) -> None:
    """Write the model's folder.

    Args:
        bundle: its description.
        folder: is not there yet.
        example: a record that a caller could give.
        weights: the folder of the model's files, where they become part of it.
        code_paths: modules or packages of the user's own that the method names.
        model_id: MLflow's of the logged model.
    """
    from mlflow.models import Model
    from mlflow.pyfunc import save_model

    with TemporaryDirectory(prefix="vreason-bundle-") as scratch, _quiet():
        artifacts = {BUNDLE: str(bundle.write(Path(scratch)))}
        if weights is not None:
            artifacts[WEIGHTS] = str(_copied(weights, bundle, Path(scratch) / WEIGHTS))
        save_model(
            str(folder),
            python_model=bundle_code.__file__,
            artifacts=artifacts,
            signature=model_signature(bundle),
            input_example=[dict(example)],
            pip_requirements=pinned_requirements(bundle.origin.tags.get(PLUGINS_TAG, "")),
            code_paths=[str(path) for path in code_paths] or None,
            mlflow_model=Model(run_id=bundle.origin.mlflow_run_id, model_id=model_id),
            streamable=True,
        )


def _copied(weights: Path, bundle: Bundle, target: Path) -> Path:
    """Only what the model is loaded from."""
    for name in bundle.model.files:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(weights / name, target / name)
    return target


@contextmanager
def _quiet() -> Iterator[None]:
    """MLflow warns of a model without type hints, and of packages that it would have pinned otherwise: no user can do anything about it."""
    loggers = [
        logging.getLogger(name) for name in ("mlflow.pyfunc", "mlflow.pyfunc.utils.data_validation", "mlflow.models.model", "mlflow")
    ]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
