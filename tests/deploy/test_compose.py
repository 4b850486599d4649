"""docker-compose.yml, deploy/Dockerfile and the entry scripts: what can be known of them without an engine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import compose

DEPLOY = compose.ROOT / "deploy"
BIN = Path(sys.executable).parent
FILE = compose.read()
SERVICES = FILE["services"]
OURS = sorted(set(SERVICES) - {"db", "caddy"})


def told(*command: object) -> str:
    """What a program says; it is to find nothing."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=compose.ROOT)
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def test_specification() -> None:
    """The file is what the compose specification says."""
    told(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", compose.FILE)


def test_dockerfile() -> None:
    """hadolint finds nothing."""
    told(BIN / "hadolint", DEPLOY / "Dockerfile")


def test_scripts() -> None:
    """ShellCheck finds nothing."""
    told(BIN / "shellcheck", "-x", "-P", "SCRIPTDIR", *DEPLOY.glob("*/*.sh"))


def test_scripts_are_there() -> None:
    """Each command is a script of the image, and each script, but what they share and what makes secrets, somebody's command."""
    named = {SERVICES[name]["command"][0] for name in OURS}
    there = {f"/opt/entry/{path.name}" for path in (DEPLOY / "entry").glob("*.sh")}
    assert {"/opt/entry/common.sh", "/opt/entry/secrets.sh"} == there - named
    assert not named - there


@pytest.mark.parametrize("name", OURS)
def test_closed(name: str) -> None:
    """Our services run as nobody in particular, on a file system that nobody writes to, without capabilities, within limits."""
    service = SERVICES[name]
    assert "10001:10001" == service["user"]
    assert service["read_only"]
    assert ["ALL"] == service["cap_drop"]
    assert ["no-new-privileges:true"] == service["security_opt"]
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert service["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_nothing_beyond_this_machine(name: str) -> None:
    """Every port is the loopback address's unless somebody says otherwise; the database has none."""
    ports = SERVICES[name].get("ports", [])
    assert all(str(port).startswith("127.0.0.1:") for port in ports)
    assert not (name == "db" and ports)
    if name == "db":
        assert ["inside"] == SERVICES[name]["networks"]
        assert FILE["networks"]["inside"]["internal"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_secrets_by_file(name: str) -> None:
    """No variable holds a secret; each secret is a file that is named; only the signer has the signing key."""
    service = SERVICES[name]
    for variable, value in (service.get("environment") or {}).items():
        assert not re.search(r"PASSWORD|SECRET|TOKEN|KEY", variable) or str(value).startswith("/run/secrets/"), variable
    assert set(service.get("secrets", [])) <= set(FILE["secrets"])
    assert ("audit_key" in service.get("secrets", [])) == (name == "signer")


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_pinned(name: str) -> None:
    """An image is of a version; what needs a GPU or TLS is started only when it is asked for."""
    tag = SERVICES[name]["image"].partition(":")[2]
    assert re.match(r"\d+\.\d+", tag)
    assert {"runner": ["runner"], "serve": ["serve"], "caddy": ["tls"]}.get(name) == SERVICES[name].get("profiles")


def test_order() -> None:
    """Nothing starts before the tables are there, and they not before the database is."""
    conditions: dict[str, Any] = {name: service.get("depends_on", {}) for name, service in SERVICES.items()}
    assert {"db": {"condition": "service_healthy"}} == conditions["migrate"]
    for name in ("server", "signer"):
        assert "service_completed_successfully" == conditions[name]["migrate"]["condition"]
    for name in ("backup", "runner", "serve", "caddy"):
        assert "service_healthy" == conditions[name]["server"]["condition"]


def test_nothing_dangles() -> None:
    """Every volume, network and service that is named is there; what the specification's schema does not look at."""
    for name, service in SERVICES.items():
        assert set(service.get("depends_on", {})) <= set(SERVICES), name
        assert {*service["networks"]} <= {*FILE["networks"]}, name
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in FILE["volumes"] or (compose.ROOT / source).is_file(), volume
    used = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert set(FILE["volumes"]) <= used
    assert set(FILE["secrets"]) == {secret for service in SERVICES.values() for secret in service.get("secrets", [])}


def test_one_version_of_postgres() -> None:
    """The image's pg_dump is of the database's major version: another one refuses."""
    major = SERVICES["db"]["image"].partition(":")[2].partition(".")[0]
    assert f"postgresql-client-{major} " in (DEPLOY / "Dockerfile").read_text()


def test_version() -> None:
    """The image is named for the version that it holds."""
    from vreason import __version__

    assert {f"vreason-track:{__version__}"} == {SERVICES[name]["image"] for name in OURS}
