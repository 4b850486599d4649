"""vreason_migrations: our tables, up and down, on SQLite and PostgreSQL, beside MLflow's, by one process at a time."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys

import pytest
import sqlalchemy

from vreason.errors import ConfigError, TrackingError
from vreason_migrations import current, differences, downgrade, history, upgrade
from vreason_tracking.audit import NEWEST as VERSION, AuditDatabase, AuditLog, NewEntry, local_uri, verify_log
from vreason_tracking.stores import prepare


@pytest.fixture(params=["sqlite", "postgresql"])
def uri(request, tmp_path):
    if request.param == "sqlite":
        yield local_uri(tmp_path / "own.db")
        return
    postgres = request.getfixturevalue("postgres")
    name = postgres.create()
    yield postgres.uri(name)
    postgres.drop(name)


def tables(uri: str) -> set[str]:
    """Every table that is not ours, in the default schema."""
    engine = sqlalchemy.create_engine(uri)
    try:
        return {name for name in sqlalchemy.inspect(engine).get_table_names() if not name.startswith(("audit_", "vreason_", "token"))}
    finally:
        engine.dispose()


def entry(number: int) -> NewEntry:
    return NewEntry("run.started", "ada", f"run:{number}")


def test_up_and_down(uri) -> None:
    """Made once, found made the second time, as the code has it; taken away again, with rows in it."""
    database = AuditDatabase(uri)
    assert (None, VERSION) == upgrade(database)
    assert (VERSION, VERSION) == upgrade(database)
    assert ([], VERSION) == (differences(database), current(database))
    AuditLog(database).append([entry(1)])
    assert (VERSION, None) == downgrade(database, "base")
    assert current(database) is None
    assert (None, VERSION) == upgrade(database)
    assert 0 == AuditLog(database).size()
    database.close()


def test_the_newest_version_is_the_one_that_the_code_needs() -> None:
    """The code's constant is Alembic's head."""
    assert VERSION == history()[-1].name


@pytest.mark.parametrize("first", ["ours", "mlflow"])
def test_beside_mlflow(uri, first) -> None:
    """In MLflow's own database, whoever comes first: neither touches the other's tables."""
    database = AuditDatabase(uri)
    if first == "ours":
        upgrade(database)
    prepare(database.uri)
    theirs = tables(database.uri)
    if first == "mlflow":
        upgrade(database)
    assert {"experiments", "runs"} <= theirs == tables(database.uri)
    AuditLog(database).append([entry(1)])
    assert [] == differences(database)
    prepare(database.uri)
    downgrade(database, "base")
    assert theirs == tables(database.uri)
    database.close()


def test_two_at_once(uri) -> None:
    """Three processes that upgrade at the same time: each ends well, and the tables are there once."""
    program = (
        "import sys\nfrom vreason_migrations import upgrade\nfrom vreason_tracking.audit import AuditDatabase\n"
        "print(upgrade(AuditDatabase(sys.argv[1])))"
    )
    started = [subprocess.Popen([sys.executable, "-c", program, uri], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = sorted(each.communicate(timeout=120)[0].strip() for each in started)
    assert [0] * 3 == [each.returncode for each in started]
    assert ["('0002', '0002')", "('0002', '0002')", "(None, '0002')"] == said


def test_what_a_local_log_makes_itself_is_the_same(tmp_path) -> None:
    """The tables beside a journal, which are made without Alembic, are those of the migrations: columns, keys, indexes, triggers."""
    made = AuditDatabase(local_uri(tmp_path / "a.db"))
    upgrade(made)
    downgrade(made, "0001")
    AuditDatabase(local_uri(tmp_path / "b.db")).create()

    def schema(name: str) -> list[str]:
        with sqlite3.connect(tmp_path / name) as connection:
            return sorted(
                re.sub(r"\s*([(),])\s*|\s+", r" \1", text or "") for (text,) in connection.execute("SELECT sql FROM sqlite_master")
            )

    assert schema("a.db") == schema("b.db")


def test_an_upgrade_that_fails_leaves_nothing(uri, monkeypatch) -> None:
    """All or nothing: tables, triggers and the version are one transaction."""
    from alembic import command

    database, real = AuditDatabase(uri), command.upgrade

    def fails(config, to):
        real(config, to)
        raise RuntimeError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(command, "upgrade", fails)
        with pytest.raises(RuntimeError, match="power cut"):
            upgrade(database)
    assert current(database) is None
    assert (None, VERSION) == upgrade(database)
    database.close()


def test_versions_that_are_refused(uri) -> None:
    """One that this program does not know, one that is not earlier, and none at all."""
    database = AuditDatabase(uri)
    with pytest.raises(TrackingError, match="has none of our tables"):
        downgrade(database, "base")
    upgrade(database)
    for version in ("0002", "0007", "head"):
        with pytest.raises(ConfigError, match="is no version before 0002; give one of base, 0001"):
            downgrade(database, version)
    name = "vreason_version" if database.dialect == "sqlite" else "vreason.vreason_version"
    with database.engine.connect() as connection:
        connection.exec_driver_sql(f"UPDATE {name} SET version_num = '0099'")
        connection.commit()
    for change in (lambda: upgrade(database), lambda: downgrade(database, "base")):
        with pytest.raises(TrackingError, match="of version 0099, and the newest that this program knows is 0002"):
            change()
    database.close()


def test_the_servers_role(postgres) -> None:
    """The role that the server uses may read and append; it can neither change rows nor drop the triggers nor make tables."""
    name = postgres.create()
    owner = AuditDatabase(postgres.uri(name))
    role = f"app_{name}"
    postgres.execute("CREATE ROLE {} LOGIN PASSWORD 'secret'", role)
    upgrade(owner, grant_to=role)
    url = sqlalchemy.make_url(postgres.uri(name)).set(username=role, password="secret")
    app = AuditDatabase(url.render_as_string(hide_password=False))
    log = AuditLog(app)
    log.append([entry(1)])
    assert (2, True) == (log.size(), verify_log(log, None).intact)
    for statement in (
        "UPDATE vreason.audit_entries SET actor = 'eve'",
        "DELETE FROM vreason.audit_entries",
        "TRUNCATE vreason.audit_entries",
        "DROP TRIGGER audit_entries_refuse_change ON vreason.audit_entries",
        "ALTER TABLE vreason.audit_entries DISABLE TRIGGER ALL",
        "DROP TABLE vreason.audit_entries",
        "CREATE TABLE vreason.more (x int)",
    ):
        with pytest.raises(sqlalchemy.exc.DBAPIError, match=r"permission denied|must be owner"), app.engine.begin() as connection:
            connection.exec_driver_sql(statement)
    for bad in ("x; DROP TABLE", "Upper", ""):
        with pytest.raises(ConfigError, match="is no plain name of a role"):
            upgrade(owner, grant_to=bad)
    app.close()
    owner.close()
    postgres.drop(name)


def test_sqlite_has_no_roles(tmp_path) -> None:
    """A role is refused there, with what to do."""
    with pytest.raises(ConfigError, match="SQLite has no roles; leave it out"):
        upgrade(AuditDatabase(local_uri(tmp_path / "a.db")), grant_to="app")
