from __future__ import annotations

import hashlib
import shlex
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pynvml
import pytest
import sqlalchemy
import torch
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from tests.doubles.nvml import FakeGpu, FakeNvml
from vreason_tracking import health
from vreason_tracking.health import Check, checks

Answer = Callable[[str], Response]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that MLflow made; tests work on copies."""
    from mlflow.tracking import MlflowClient

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").create_experiment("one")
    return path


@pytest.fixture
def store(migrated: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(migrated, tmp_path / "mlflow.db"))


@pytest.fixture
def serve() -> Iterator[Callable[[object], str]]:
    """Serves a WSGI application on a free port and returns its address."""
    running = []

    def start(application: object) -> str:
        server = make_server("127.0.0.1", 0, application, threaded=True)  # type: ignore[arg-type]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.port}"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()


def application(version: Response, health_status: int = 200) -> object:
    """A web application that answers /version with `version` and everything else with OK."""
    return Request.application(lambda request: version if request.path == "/version" else Response("OK", health_status))


def tracking(uri: str) -> dict[str, Check]:
    return {check.name: check for check in health.tracking(uri)}


def states(found: dict[str, Check]) -> dict[str, str]:
    return {name: check.state for name, check in found.items()}


def run_sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_a_healthy_store_has_no_failure_and_every_other_line_says_what_to_do(store: Path) -> None:
    """On this machine every check but the GPU's is well, and exactly the checks that are not well carry a mend."""
    run_sql(store, "PRAGMA journal_mode=WAL")
    found = list(checks(f"sqlite:///{store}"))
    named = ["python", *(f"package {name}" for name in health.PACKAGES), "torchvision", "device", "gpu memory", "decord"]
    assert [*named, "database", "journal mode", "schema", "folder", "disk"] == [check.name for check in found]
    assert set() == {check.name for check in found if check.state != "ok"} - {"gpu memory", "disk"}
    assert [] == [check for check in found if (check.state == "ok") != (check.mend == "") or not check.detail]


def test_looking_changes_nothing(store: Path) -> None:
    """The database file is the same byte for byte and nothing is left beside it, also in WAL mode and where there was no database."""
    for mode in ("DELETE", "WAL"):
        run_sql(store, f"PRAGMA journal_mode={mode}")
        before = hashlib.sha256(store.read_bytes()).hexdigest()
        assert "ok" == tracking(f"sqlite:///{store}")["schema"].state
        assert before == hashlib.sha256(store.read_bytes()).hexdigest()
    absent = store.parent / "deep" / "absent.db"
    list(checks(f"sqlite:///{absent}"))
    assert [store] == list(store.parent.iterdir())


def test_a_check_that_breaks_is_a_failure_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A package that cannot be imported spoils its own line only, with the reason and the mend."""
    monkeypatch.setitem(sys.modules, "decord", None)
    found = {check.name: check for check in checks(f"sqlite:///{tmp_path}/mlflow.db")}
    assert ("failure", "`pip install --force-reinstall decord`") == (found["decord"].state, found["decord"].mend)
    assert found["decord"].detail.startswith("ModuleNotFoundError: ")
    assert {"database": "ok", "folder": "ok"}.items() <= states(found).items()


@pytest.mark.parametrize("uri", ["", "mlruns", "file:///x", "foo://x", "sqlite:", "http://", "://", "postgresql+psycopg://u@127.0.0.1:1/x"])
def test_an_impossible_address_is_a_failure_with_a_mend(uri: str) -> None:
    """No address, however wrong, ends in a traceback."""
    failures = [check for check in checks(uri) if check.state == "failure"]
    assert 1 == len(failures)
    assert "" != failures[0].mend


@pytest.mark.parametrize(("version", "state"), [((3, 10, 9), "failure"), ((3, 11, 0), "ok"), ((4, 0, 0), "ok")])
def test_python(version: tuple[int, int, int], state: str) -> None:
    """Python below 3.11 is a failure."""
    assert [state] == [check.state for check in health.python(version)]


def test_a_missing_package_is_a_failure() -> None:
    """The line of a package that is not installed gives the command that installs it."""
    (check,) = health.packages(["no-such-thing"])
    assert Check("package no-such-thing", "failure", "not installed", '`pip install "no-such-thing"`') == check


def test_a_package_outside_the_declared_range_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installed version is held against what this package's own metadata asks for."""
    (tmp_path / "mlflow-2.0.dist-info").mkdir()
    (tmp_path / "mlflow-2.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: mlflow\nVersion: 2.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    (check,) = health.packages(["mlflow"])
    assert ("failure", "2.0 is outside <4,>=3.17", '`pip install "mlflow<4,>=3.17"`') == (check.state, check.detail, check.mend)


def test_torchvision_tells_whether_the_operators_were_declared() -> None:
    """The line agrees with the shim."""
    from vreason.torchvision_shim import ensure_torchvision

    (check,) = health.torchvision()
    assert ("ok", ensure_torchvision()) == (check.state, "declared nms" in check.detail)


def test_without_a_driver_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a driver is warned that resident memory is recorded."""
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(faults={"nvmlInit": pynvml.NVML_ERROR_LIBRARY_NOT_FOUND}))
    (check,) = health.gpu_memory()
    assert ("warning", "no NVIDIA driver: runs record this process's resident memory (rss)") == (check.state, check.detail)


def test_a_broken_driver_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A driver that is there and does not start is told apart from none."""
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(FakeGpu(), faults={"nvmlInit": pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH}))
    (check,) = [check for check in checks(f"sqlite:///{tmp_path}/mlflow.db") if check.name == "gpu memory"]
    assert "failure" == check.state
    assert check.detail.startswith("NVMLError_LibRmVersionMismatch")


def test_a_gpu_is_named_with_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Driver, name and source are told; a GPU that this torch cannot use is a warning."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(FakeGpu(name="NVIDIA H200", used=7)))
    (check,) = health.gpu_memory()
    assert "driver 570.86.15; NVIDIA H200; source nvml:device" == check.detail
    assert ("ok" if torch.cuda.is_available() else "warning") == check.state


def test_a_gpu_that_does_not_answer_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """What NVML refused is told, with the source that a run falls back to."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    faults = dict.fromkeys(("nvmlDeviceGetComputeRunningProcesses", "nvmlDeviceGetMemoryInfo"), pynvml.NVML_ERROR_NO_PERMISSION)
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(FakeGpu(), faults=faults))
    (check,) = health.gpu_memory()
    assert "warning" == check.state
    assert "source rss; NVMLError_NoPermission" in check.detail


def test_hidden_gpus_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """GPUs hidden from CUDA point at CUDA_VISIBLE_DEVICES."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(FakeGpu()))
    (check,) = health.gpu_memory()
    assert ("warning", True) == (check.state, "CUDA_VISIBLE_DEVICES" in check.mend)


def test_without_pyav_decord_is_only_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PyAV the line says that no clip was read."""
    monkeypatch.setitem(sys.modules, "av", None)
    (check,) = health.decord()
    assert ("ok", True) == (check.state, "no clip was read" in check.detail)


def test_an_absent_database_will_be_created(tmp_path: Path) -> None:
    """A file that is not there yet is well."""
    assert {"database": Check("database", "ok", f"{tmp_path}/new.db will be created")} == tracking(f"sqlite:///{tmp_path}/new.db")


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_a_warning(uri: str) -> None:
    """What is recorded in memory is lost."""
    assert {"database": "warning"} == states(tracking(uri))


def test_the_default_journal_mode_is_a_warning_that_its_command_mends(store: Path) -> None:
    """A store as MLflow makes it is warned about, and the command of the line puts it into WAL mode."""
    found = tracking(f"sqlite:///{store}")
    assert {"database": "ok", "journal mode": "warning", "schema": "ok"} == states(found)
    command = shlex.split(found["journal mode"].mend.strip("`"))
    subprocess.run([sys.executable, *command[1:]], check=True)
    assert {"database": "ok", "journal mode": "ok", "schema": "ok"} == states(tracking(f"sqlite:///{store}"))


def test_an_old_schema_is_a_failure_that_its_command_mends(tmp_path: Path) -> None:
    """A database migrated one revision short is a failure, and the command of the line brings it up to date."""
    from alembic import command
    from alembic.script import ScriptDirectory
    from mlflow.store.db import utils
    from mlflow.store.tracking.dbmodels.initial_models import Base

    uri = f"sqlite:///{tmp_path}/it's old.db"
    engine, config = sqlalchemy.create_engine(uri), utils._get_alembic_config(uri)
    script = ScriptDirectory.from_config(config)
    before = script.get_revision(script.get_current_head()).down_revision
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, before)
    schema = tracking(uri)["schema"]
    assert ("failure", True) == (schema.state, before in schema.detail)
    upgrade = shlex.split(schema.mend.split("`")[1])
    assert ["mlflow", "db", "upgrade", uri] == upgrade
    subprocess.run([sys.executable, "-m", *upgrade], check=True, capture_output=True)
    assert "ok" == tracking(uri)["schema"].state


def test_a_schema_of_a_newer_mlflow_does_not_ask_for_an_upgrade_of_the_database(store: Path) -> None:
    """A revision that this MLflow does not know asks for a newer MLflow."""
    run_sql(store, "UPDATE alembic_version SET version_num = 'feedfacecafe'")
    schema = tracking(f"sqlite:///{store}")["schema"]
    assert ("failure", True, False) == (schema.state, "feedfacecafe" in schema.detail, "db upgrade" in schema.mend)
    assert '`pip install -U "mlflow' in schema.mend


def test_somebody_elses_database_is_a_warning(tmp_path: Path) -> None:
    """Tables without a revision of MLflow's are not taken for a fresh store; an empty file is."""
    run_sql(tmp_path / "other.db", "CREATE TABLE recipes (name TEXT)")
    (tmp_path / "empty.db").touch()
    assert "warning" == tracking(f"sqlite:///{tmp_path}/other.db")["schema"].state
    assert "ok" == tracking(f"sqlite:///{tmp_path}/empty.db")["schema"].state


def test_a_text_file_is_no_database(tmp_path: Path) -> None:
    """A file that only bears the name is a failure, and nothing more is asked of it."""
    path = tmp_path / "mlflow.db"
    path.write_text("dear diary, " * 100)
    found = tracking(f"sqlite:///{path}")
    assert {"database": "failure"} == states(found)
    assert f"{path}: file is not a database" == found["database"].detail


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    """A folder in the file's place is a failure."""
    assert {"database": "failure"} == states(tracking(f"sqlite:///{tmp_path}"))


@pytest.mark.parametrize("lost", ["second half", "a page in the middle"])
def test_a_damaged_database_is_a_failure(store: Path, lost: str) -> None:
    """A truncated or partly overwritten database still opens; reading it through finds out, in one line."""
    whole = store.read_bytes()
    half = len(whole) // 2
    store.write_bytes(whole[:half] if lost == "second half" else whole[:half] + b"\xff" * 4096 + whole[half + 4096 :])
    found = tracking(f"sqlite:///{store}")
    assert {"database": "failure"} == states(found)
    assert "\n" not in found["database"].detail


def test_a_locked_database_is_a_warning(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer at work is no damage."""
    monkeypatch.setattr(health, "PATIENCE", 0.05)
    with closing(sqlite3.connect(store)) as other:
        other.execute("BEGIN EXCLUSIVE")
        found = tracking(f"sqlite:///{store}")
    assert {"database": "warning"} == states(found)
    assert "another process is writing; try again later" == found["database"].mend


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database whose driver is not installed gives the command that installs it."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    found = tracking("postgresql+psycopg://u:p@127.0.0.1:1/x")
    assert {"database": "failure"} == states(found)
    assert "`pip install psycopg`" == found["database"].mend


def test_mlflows_own_server_is_well(serve: Callable[[object], str]) -> None:
    """MLflow's application answers /health and /version as the check expects."""
    import mlflow
    from mlflow.server import app

    uri = serve(app)
    assert {"server": Check("server", "ok", f"{uri} runs MLflow {mlflow.__version__}")} == tracking(f"{uri}/")


@pytest.mark.parametrize(
    ("version", "health_status", "state", "words"),
    [
        (Response("3.16.1"), 200, "warning", "runs MLflow 3.16.1"),
        (Response("3.17.0rc1"), 200, "warning", "runs MLflow 3.17.0rc1"),
        (Response("4.0.0"), 200, "ok", "runs MLflow 4.0.0"),
        (Response("You are not authenticated", 401), 200, "failure", "asks for a login"),
        (Response("<html>welcome</html>"), 200, "failure", "no healthy MLflow server"),
        (Response("gone", 404), 200, "failure", "no healthy MLflow server: /health 200, /version 404"),
        (Response("3.17.2"), 500, "failure", "no healthy MLflow server: /health 500"),
    ],
)
def test_other_servers(serve: Callable[[object], str], version: Response, health_status: int, state: str, words: str) -> None:
    """Old servers, servers with a login, sick servers and other web sites are told apart."""
    check = tracking(serve(application(version, health_status)))["server"]
    assert (state, True) == (check.state, words in check.detail)


def test_the_server_is_asked_with_the_credentials_of_a_run(serve: Callable[[object], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A server with a login is well for a user who has one in the environment."""

    @Request.application
    def guarded(request: Request) -> Response:
        login = request.authorization
        return Response("3.17.2" if login and (login.username, login.password) == ("ada", "lace") else "no", 200 if login else 401)

    uri = serve(guarded)
    assert "failure" == tracking(uri)["server"].state
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "lace")
    assert "ok" == tracking(uri)["server"].state


def test_a_dead_port_is_a_failure() -> None:
    """A port where nobody listens is told at once, not after MLflow's minutes of retries."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        check = tracking(f"http://127.0.0.1:{taken.getsockname()[1]}")["server"]
    assert ("failure", True) == (check.state, "does not answer" in check.detail)


def test_a_silent_server_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes the connection and says nothing is given up."""
    monkeypatch.setattr(health, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        check = tracking(f"http://127.0.0.1:{silent.getsockname()[1]}")["server"]
    assert ("failure", True) == (check.state, "does not answer" in check.detail)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql+psycopg://u:secret@h:5432/db", "postgresql+psycopg://u:***@h:5432/db"),
        ("postgresql://u:s/e@c@h/db?x=1 failed", "postgresql://u:***@h/db?x=1 failed"),
        ("mysql://h/db?user=u&password=secret&x=1", "mysql://h/db?user=u&password=***&x=1"),
        ("http://h:5000/a@b", "http://h:5000/a@b"),
        ("sqlite:////tmp/a@b:c.db", "sqlite:////tmp/a@b:c.db"),
    ],
)
def test_passwords_are_masked(text: str, expected: str) -> None:
    """Passwords leave an address, nothing else does."""
    assert expected == health._masked(text)


def test_no_line_shows_a_password() -> None:
    """Neither the detail nor the command of any line of a failing database shows its password."""
    for uri in ("http://ada:lace@127.0.0.1:9", "postgresql+psycopg://ada:lace@127.0.0.1:1/x", "foo://ada:lace@h/x"):
        assert [] == [check for check in checks(uri) if "lace" in check.detail + check.mend]


def test_a_folder_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    """A database below a file has no folder; the line names it."""
    (tmp_path / "file").touch()
    (check,) = health.folder(f"sqlite:///{tmp_path}/file/mlflow.db")
    assert ("failure", f"{tmp_path}/file cannot be written: Not a directory") == (check.state, check.detail)


def test_the_folder_of_a_server_is_the_current_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a server or no file, a run writes into the current folder; with a file, into the file's, which may be new."""
    monkeypatch.chdir(tmp_path)
    for uri in ("http://h", "sqlite://", "sqlite:///:memory:", "sqlite:///mlflow.db?timeout=3"):
        assert f"{tmp_path} can be written" == next(iter(health.folder(uri))).detail
    assert f"{tmp_path}/a/b can be created" == next(iter(health.folder("sqlite:///a/b/mlflow.db"))).detail


@pytest.mark.parametrize(
    ("free", "state"),
    [(0, "failure"), (199_999_999, "failure"), (200_000_000, "warning"), (1_999_999_999, "warning"), (2_000_000_000, "ok")],
)
def test_room_on_the_disk(free: int, state: str) -> None:
    """Below 200 MB is a failure, below 2 GB a warning; what is not well says so."""
    check = health.disk(Path("/data"), free)
    assert (state, state != "ok") == (check.state, check.mend != "")


def test_importing_the_checks_imports_nothing_heavy() -> None:
    """`vreason-track --help` does not wait for torch, MLflow or the video readers."""
    heavy = {"torch", "mlflow", "sqlalchemy", "decord", "av", "numpy"}
    code = f"import sys, vreason_tracking.health; print(sorted({heavy} & set(sys.modules)))"
    assert "[]\n" == subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
