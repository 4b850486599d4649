"""The MLflow model of a bundle: loads it, answers records, streams a reply."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.exceptions import BAD_REQUEST, MlflowException
from mlflow.pyfunc import PythonModel

from vreason.errors import ConfigError
from vreason_tracking.bundles.bundle import BUNDLE, WEIGHTS, read_bundle
from vreason_tracking.bundles.predictor import Predictor
from vreason_tracking.bundles.video_sources import VideoAccess

_SERVED = "__pyfunc_model_path__"
"""MLflow's server names the model to its worker by this variable."""


class WrongParametersError(MlflowException, ValueError):  # type: ignore[misc]
    """Everything wrong with a call's parameters. MLflow's server hides the words of any other exception than its own."""


def _wrong(error: ConfigError) -> WrongParametersError:
    return WrongParametersError("; ".join(map(str, error.issues)), error_code=BAD_REQUEST)  # type: ignore[call-arg]


class BundleModel(PythonModel):  # type: ignore[misc]
    """A bundle behind MLflow's interface.

    `model_config` takes `device`, in the place of the registered one. Which videos a caller may name is said by environment variables (see
    `VideoAccess.from_environment`): a program's own calls may name any path, those of `mlflow models serve` none unless told so.
    """

    def load_context(self, context: Any) -> None:
        """Load the model; called by MLflow.

        Raises:
            VReasonError: the bundle is damaged, or its model cannot be loaded.
        """
        access = VideoAccess.from_environment(os.environ, served=_SERVED in os.environ)
        weights = context.artifacts.get(WEIGHTS)
        device = (context.model_config or {}).get("device")
        bundle = read_bundle(Path(context.artifacts[BUNDLE]))
        self._predictor = Predictor.of(bundle, access, Path(weights) if weights else None, device)

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        """An entry a record (see `vreason_tracking.bundles.answers`); see `Predictor.predict`.

        Args:
            context: MLflow's.
            model_input: a DataFrame, a list of records, or one record. (The annotation keeps MLflow from making a schema of it.)
            params: see `call_settings`.

        Raises:
            ValueError: everything wrong with the parameters.
        """
        try:
            return self._predictor.predict(_records(model_input), params)
        except ConfigError as error:
            raise _wrong(error) from error

    def predict_stream(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Iterator[str]:
        """The reply to one record, piece by piece; arguments as of `predict`.

        Raises:
            ValueError: there is not one record, or something is wrong with it or with the parameters.
        """
        records = _records(model_input)
        if len(records) != 1:
            raise ValueError(f"{len(records)} records were given to predict_stream, and it answers one; call it for each")
        try:
            yield from self._predictor.predict_stream(records[0], params)
        except ConfigError as error:
            raise _wrong(error) from error


def _records(model_input: Any) -> Sequence[object]:
    """The records of whatever MLflow hands over."""
    if hasattr(model_input, "to_dict"):
        records: list[object] = model_input.to_dict(orient="records")
        return records
    if isinstance(model_input, dict):
        return [model_input]
    return list(model_input)
