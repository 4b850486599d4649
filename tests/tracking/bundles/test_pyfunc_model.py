"""The bundle behind MLflow's own interface, as somebody who knows nothing of us loads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.helpers.bundle_world import BundleWorld
from vreason.benchmarks import DemoBenchmark
from vreason_tracking.bundles import Registry


@pytest.fixture(scope="module")
def model(bundles: BundleWorld) -> Any:
    """`models:/shapes@champion`, loaded with pickles forbidden."""
    import mlflow

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
        patch.setenv("MLFLOW_TRACKING_URI", bundles.uri)
        yield mlflow.pyfunc.load_model("models:/shapes@champion")


def records() -> list[dict[str, Any]]:
    return [
        {"video": each.video, "question": each.question, "options": list(each.options) or None, "problem_type": each.problem_type}
        for each in DemoBenchmark(limit=3).samples()
    ]


def test_the_example_runs(model: Any, bundles: BundleWorld) -> None:
    """MLflow's own copy of the input example is answered as the run did."""
    assert bundles.registered is not None
    example = bundles.registered.bundle.example
    assert "equal" == bundles.registered.example
    (found,) = model.predict(model.input_example)
    assert (example.sample_id, example.output) == (found["id"], found["output"])


def test_lists_and_frames(model: Any) -> None:
    """A DataFrame, a list of records and one record have the same answers."""
    from_list = model.predict(records())
    from_frame = model.predict(pd.DataFrame(records()))
    assert [each["output"] for each in from_list] == [each["output"] for each in from_frame]
    assert [from_list[0]["output"]] == [each["output"] for each in model.predict(records()[0])]


def test_one_bad_record_never_fails_a_batch(model: Any) -> None:
    """Whatever is wrong with a record, MLflow's schema lets it through to its own error."""
    good = records()[0]
    bad = [
        {"video": "x"},
        {"question": 5},
        {"question": "q", "options": "ABC"},
        {"question": "q", "video": 7},
        {"question": "q", "options": [1]},
    ]
    for given in ([*bad, good], pd.DataFrame([*bad, good])):
        *failed, last = model.predict(given)
        assert all(each["error"] and each["answer"] is None for each in failed)
        assert last["error"] is None


def test_parameters(model: Any) -> None:
    """They are in the signature with the registered values, and wrong ones are a ValueError with all of them."""
    params = {each.name: each.default for each in model.metadata.signature.params}
    assert (48, 0.03, "none") == (params["max_new_tokens"], params["controller.lr"], params["trace"])
    (found,) = model.predict(records()[:1], params={"max_new_tokens": 4, "trace": "summary"})
    assert (4, True) == (found["tokens"], found["trace"] is not None)
    with pytest.raises(ValueError, match=r"controller\.k: 900 is outside of 1 to 64"):
        model.predict(records()[:1], params={"controller.k": 900})


def test_stream(model: Any) -> None:
    """`predict_stream` gives the reply in pieces."""
    pieces = list(model.predict_stream(records()[:1]))
    assert model.predict(records()[:1])[0]["output"] == "".join(pieces)
    assert len(pieces) > 5


def test_nothing_is_pickled(bundles: BundleWorld) -> None:
    """The files are text and what the run's record names; requirements are exact versions."""
    registry: Registry = bundles.registry
    with registry.files(registry.find("shapes@champion")) as folder:
        names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        requirements = (folder / "requirements.txt").read_text(encoding="utf-8").split()
        described = json.loads((folder / "artifacts" / "bundle.json").read_text(encoding="utf-8"))
    assert not [name for name in names if Path(name).suffix in (".pkl", ".pickle", ".joblib", ".pt", ".bin")]
    assert "bundle_code.py" in names
    assert all("==" in each and "+" not in each for each in requirements)
    assert {"torch", "transformers", "vreason-track", "mlflow"} <= {each.split("==")[0] for each in requirements}
    assert described["origin"]["mlflow_run_id"] == registry.find("shapes@champion").run_id
