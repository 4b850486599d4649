"""vreason_tracking.catalog.lookup: a run of the journal by whichever name somebody has for it."""

from __future__ import annotations

import pytest

from tests.helpers import readback
from vreason.errors import TrackingError
from vreason_tracking.catalog.lookup import look_up, require
from vreason_tracking.delivery.checkpoint import DeliveryLog


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "journal"


def made(journal, run_id, variant="v-reason", mlflow=None):
    """A run of this name, delivered as this MLflow run."""
    recorder = readback.recorder_of(journal, variant, run_id=run_id, created_ms=int(run_id[9:15]))
    recorder.finish("FINISHED")
    if mlflow:
        log = DeliveryLog(recorder.folder.delivery_log)
        log.opened(mlflow, "1", "u")
        log.close()
    return recorder.folder


def test_by_any_name(journal) -> None:
    """Its id in the journal and in MLflow, a beginning of either that fits no other, and its variant's name."""
    one = made(journal, "20261120T094512-aaaaaa", "baseline", "0123456789abcdef")
    made(journal, "20261121T094512-bbbbbb", "v-reason", "0199999999abcdef")
    for name in ("20261120T094512-aaaaaa", "20261120", "0123456789abcdef", "0123", "baseline"):
        assert one.path == require(journal, name).path, name


def test_the_newest_of_a_variant(journal) -> None:
    """Of several runs of a variant the one that was begun last is meant."""
    for number in (3, 1, 2):
        made(journal, f"20261120T09451{number}-aaaaaa")
    assert "20261120T094513-aaaaaa" == require(journal, "v-reason").run_id


@pytest.mark.parametrize("name", ["2026112", "01"])
def test_a_beginning_of_several(journal, name) -> None:
    """It is refused with how many it fits; nothing is guessed."""
    made(journal, "20261120T094512-aaaaaa", mlflow="0123")
    made(journal, "20261121T094512-bbbbbb", mlflow="0155")
    with pytest.raises(TrackingError, match=f"'{name}' is the beginning of 2 run.*give more of it"):
        look_up(journal, name)


@pytest.mark.parametrize("name", ["", "nothing", "aaaaaa", "V-REASON"])
def test_nothing_found(journal, name) -> None:
    """None, or an error that names what there is and where else to look."""
    made(journal, "20261120T094512-aaaaaa")
    assert look_up(journal, name) is None
    with pytest.raises(TrackingError, match=r"no run .*20261120T094512-aaaaaa \(v-reason\).*--journal"):
        require(journal, name)


def test_no_journal_at_all(journal) -> None:
    """Where there is no folder there is no run."""
    assert look_up(journal, "v-reason") is None
    with pytest.raises(TrackingError, match="none yet"):
        require(journal, "v-reason")


def test_a_damaged_run_is_in_nobodys_way(journal) -> None:
    """A run whose manifest cannot be read does not keep another from being found."""
    broken, good = made(journal, "20261120T094512-aaaaaa"), made(journal, "20261121T094512-bbbbbb", "other")
    (broken.path / "run.json").write_text("{")
    assert good.path == require(journal, "other").path
    assert good.path == require(journal, "20261121").path


def test_a_name_comes_before_a_beginning(journal) -> None:
    """A variant that is called like the beginning of ids can still be named: of an id more can be given, of a name not."""
    named = made(journal, "20261120T094512-aaaaaa", "2026")
    made(journal, "20261121T094512-bbbbbb")
    assert named.path == require(journal, "2026").path
