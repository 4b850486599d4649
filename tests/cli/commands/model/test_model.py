"""`vreason-track model`: what each command prints, its exit codes, and one clear error for whatever is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.bundle_world import BundleWorld

Program = Callable[..., Any]


def test_list(bundles: BundleWorld, program: Program) -> None:
    """A row a version, and the same as JSON."""
    done = program("model", "list", "--tracking-uri", bundles.uri)
    assert (0, True, True) == (done.code, "shapes/1" in done.out, "@champion" in done.out)
    (row,) = json.loads(program("model", "list", "shapes", "--json", "--tracking-uri", bundles.uri).out)["versions"]
    assert ("shapes", "1", ["champion"], "equal", None) == (row["name"], row["version"], row["aliases"], row["example"], row["retired"])


def test_list_of_nothing(bundles: BundleWorld, program: Program) -> None:
    """It is said how one is registered."""
    done = program("model", "list", "nope", "--tracking-uri", bundles.uri)
    assert (0, True) == (done.code, "model register" in done.out)


def test_show(bundles: BundleWorld, program: Program) -> None:
    """Run, method, what callers may set, figures."""
    done = program("model", "show", "shapes@champion", "--tracking-uri", bundles.uri)
    assert 0 == done.code
    for words in (
        "shapes/1 @champion",
        "v-reason of config trial",
        "controller.lr",
        "0.03",
        "max_new_tokens: 1 to 48",
        "accuracy",
        "identity",
    ):
        assert words in done.out
    whole = json.loads(program("model", "show", "shapes", "--json", "--tracking-uri", bundles.uri).out)
    assert 0.03 == whole["bundle"]["method"]["controller"]["lr"]


def test_verify(bundles: BundleWorld, program: Program) -> None:
    """0 where nothing is wrong, 5 where something is, and JSON."""
    done = program("model", "verify", "shapes", *bundles.places)
    assert (0, True) == (done.code, "unsigned" in done.out)
    told = json.loads(program("model", "verify", "shapes", "--json", *bundles.places).out)
    assert (True, "shapes/1") == (told["verified"], told["version"])


def test_register_promote_diff_retire(own_bundles: BundleWorld, program: Program) -> None:
    """The whole life of a version."""
    places = own_bundles.places
    made = program("model", "register", "v-reason", "--variant", "baseline", "--name", "shapes", "--skip-example", *places)
    assert (0, True) == (made.code, "shapes/2: baseline on demo" in made.out), made.err
    refused = program("model", "promote", "shapes/2", "champion", "--require", "accuracy > 1", "--reason", "better", *places)
    assert (6, True) == (refused.code, "does not become @champion: accuracy > 1" in refused.err)
    moved = program("model", "promote", "shapes/2", "champion", "--require", "accuracy >= 0.5", "--reason", "better", "--json", *places)
    assert ("champion", "shapes/1") == tuple(json.loads(moved.out)[name] for name in ("alias", "before"))
    differing = program("model", "diff", "shapes/1", "shapes/2", *places)
    assert (0, True, True) == (differing.code, "method.controller.lr" in differing.out, "95 % interval" in differing.out)
    document = json.loads(program("model", "diff", "shapes/1", "shapes/2", "--json", *places).out)
    assert "method.controller.k" in {each["name"] for each in document["settings"]}
    assert 6 == document["comparison"]["questions"]
    kept = program("model", "retire", "shapes/2", "--reason", "slow", "--tracking-uri", own_bundles.uri)
    assert (5, True) == (kept.code, "--with-aliases" in kept.err)
    gone = program("model", "retire", "shapes/2", "--reason", "slow", "--with-aliases", "--tracking-uri", own_bundles.uri)
    assert (0, "shapes/2 is retired: slow\n") == (gone.code, gone.out)
    failed = program("model", "verify", "shapes/2", *places)
    assert (5, True) == (failed.code, "retired: slow" in failed.out)
    served = program("model", "serve", "shapes/2", "--port", "0", *places)
    assert (5, True) == (served.code, "is retired" in served.err)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("show", "nope"), 5, "there are shapes"),
        (("show", "shapes/9"), 5, "has no version 9"),
        (("verify", "shapes@x"), 5, "has no alias 'x'"),
        (("promote", "shapes/1", "v1", "--reason", "x"), 2, "no alias"),
        (("promote", "shapes/1", "x"), 2, "--reason: is missing"),
        (("promote", "shapes/1", "x", "--require", "speed > 1", "--reason", "x"), 2, "no figure"),
        (("register", "nope", "--name", "m"), 5, "no run 'nope'"),
        (("register", "v-reason", "--name", "a/b"), 2, "--name"),
        (("register", "v-reason", "--name", "m", "--bound", "controller.q=1..2"), 2, "unknown key"),
        (("serve", "nope"), 5, "there are shapes"),
        (("serve", "shapes", "--host", "0.0.0.0"), 2, "--token-file"),
        (("serve", "shapes", "--allow-host", "http://x"), 2, "is no host"),
        (("serve", "shapes", "--device", "cuda:9"), 3, "cuda:9"),
    ],
)
def test_errors(bundles: BundleWorld, program: Program, arguments: tuple[str, ...], code: int, words: str) -> None:
    """One line, what is wrong and what to do, and the exit code of its class."""
    done = program("model", *arguments, "--tracking-uri", bundles.uri)
    assert code == done.code, done.err
    assert words in done.err
    assert "Traceback" not in done.err


def test_missing_store(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not made by looking."""
    monkeypatch.chdir(tmp_path)
    done = program("model", "list")
    assert (5, False) == (done.code, (tmp_path / "mlflow.db").exists())
