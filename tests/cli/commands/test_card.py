"""``vreason-track card``: cards out of recorded runs, and what is said of one that no longer agrees."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import like_runs, trials
from tests.helpers.bundle_world import BundleWorld
from tests.helpers.fake_hub import TOKEN, running
from vreason_tracking.stores import MlflowStore


@pytest.fixture(scope="module")
def places(mlflow_template: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options that lead to two delivered runs, and one that is not like them."""
    folder = tmp_path_factory.mktemp("cards")
    uri = trials.copy_store(mlflow_template, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        store = MlflowStore(uri, "vreason")
        like_runs.pair(folder / "journal", store)
        like_runs.one(folder / "journal", "unlike", like_runs.BASE, 2, tags={**like_runs.TAGS, "scoring": "video-r1"})
    return ["--tracking-uri", uri, "--journal", str(folder / "journal")]


@pytest.fixture
def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may be logged in at the Hub."""
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)


@pytest.fixture
def card(program: Callable[..., Any], places: list[str], tmp_path: Path) -> Path:
    """A card's folder."""
    done = program("card", "build", "baseline", "v-reason", *places, "--out", tmp_path / "card", "--title", "Shapes")
    assert 0 == done.code, done.err
    assert "2 variant(s)" in done.out
    return tmp_path / "card"


def test_built_and_checked(program: Callable[..., Any], places: list[str], card: Path) -> None:
    """README.md, card.html, evidence.json and a bill of materials; the check agrees, by folder or file, in words or JSON."""
    assert {"README.md", "card.html", "evidence.json", "mlbom.cdx.json"} == {path.name for path in card.iterdir()}
    for name in (card, card / "README.md"):
        done = program("card", "check", name, *places)
        assert (0, "") == (done.code, done.err)
        assert "agrees with the record" in done.out
    told = json.loads(program("card", "check", card, *places, "--json").out)
    assert (True, []) == (told["agrees"], told["mismatches"])


def test_shown(program: Callable[..., Any], places: list[str], card: Path) -> None:
    """What would be written, and its evidence."""
    options = ["card", "show", "baseline", "v-reason", *places, "--title", "Shapes"]
    assert (card / "README.md").read_text() == program(*options).out
    assert (card / "evidence.json").read_text() == program(*options, "--json").out


def test_an_edited_card(program: Callable[..., Any], places: list[str], card: Path) -> None:
    """Exit code 8, and which figure: what the card says, and what the record says."""
    readme = card / "README.md"
    line = next(line for line in readme.read_text().splitlines() if line.startswith("| v-reason | all questions"))
    value = line.split(" | ")[2]
    readme.write_text(readme.read_text().replace(line, line.replace(value, "99.9 %", 1)))
    done = program("card", "check", card, *places)
    assert 8 == done.code
    assert f"Accuracy: accuracy of v-reason, all questions: the card says 99.9 %, the record {value}" in done.err
    told = json.loads(program("card", "check", card, *places, "--json").out)
    assert [("99.9 %", value)] == [(each["card"], each["record"]) for each in told["mismatches"]]


def test_notes_stay(program: Callable[..., Any], places: list[str], card: Path, tmp_path: Path) -> None:
    """What somebody wrote is marked, kept when the card is built again, and nothing that a check looks at."""
    (tmp_path / "notes.md").write_text("For *shapes* only.\n")
    build = ["card", "build", "baseline", "v-reason", *places, "--out", card, "--title", "Shapes"]
    assert 0 == program(*build, "--notes", tmp_path / "notes.md").code
    assert "For *shapes* only." in (card / "README.md").read_text()
    assert 0 == program(*build).code
    assert "For *shapes* only." in (card / "README.md").read_text()
    assert 0 == program("card", "check", card, *places).code


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["build", "nobody"], 5, "no run"),
        (["build", "baseline", "unlike"], 6, "scoring"),
        (["build", "baseline", "--baseline", "nobody"], 5, "nobody"),
        (["build"], 2, "Missing argument"),
        (["show", "nobody"], 5, "no run"),
        (["diff", "baseline", "nobody"], 5, "no run"),
        (["build", "baseline", "--store"], 2, "--store: belongs to a version"),
        (["build", "shapes/1", "baseline"], 2, "'shapes/1' is a version"),
        (["build", "baseline", "--title", " "], 2, "--title: is empty"),
        (["export", "baseline", "--hub", "team/x", "--dataset", "x=a/b"], 2, "'x' is no benchmark of this card; it has shapes"),
        (["check", "nowhere"], 2, "name a card's README.md or its folder, or a version"),
        (["export", "baseline", "--hub", "nobody"], 2, "write OWNER/NAME"),
        (["export", "baseline", "--hub", "team/x", "--dataset", "x"], 2, "--dataset: 'x' names no data set"),
        (["export", "baseline", "--hub", "team/x", "--push"], 2, "--push: needs a token"),
    ],
)
def test_what_is_refused(
    program: Callable[..., Any], places: list[str], tmp_path: Path, arguments: list[str], code: int, told: str, no_token: None
) -> None:
    """A run that is not there, runs that are not alike, no run: by name, and nothing is written."""
    out = ["--out", tmp_path / "none"] if arguments[0] in ("build", "export") else []
    done = program("card", *arguments, *places, *out)
    assert code == done.code
    assert told in done.err
    assert not (tmp_path / "none").exists()


def test_unlike_by_force(program: Callable[..., Any], places: list[str], tmp_path: Path) -> None:
    """With --force the card begins with what makes them unlike, and agrees with the record."""
    assert 0 == program("card", "build", "baseline", "unlike", *places, "--force", "--out", tmp_path / "card").code
    text = (tmp_path / "card" / "README.md").read_text()
    assert text.index("## Read this first") < text.index("## Results")
    assert 0 == program("card", "check", tmp_path / "card", *places).code


def test_no_card(program: Callable[..., Any], places: list[str], tmp_path: Path) -> None:
    """A file that is none, one that cannot be read, a folder without one, and a folder that cannot be written."""
    (tmp_path / "README.md").write_text("# Something\n")
    (tmp_path / "binary.md").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "empty").mkdir()
    for name, told in (("README.md", "no card of vreason-track's"), ("binary.md", "cannot be read"), ("empty", "cannot be read")):
        done = program("card", "check", tmp_path / name, *places)
        assert 5 == done.code
        assert told in done.err
    done = program("card", "build", "baseline", *places, "--out", tmp_path / "README.md" / "x")
    assert 5 == done.code
    assert "--out" in done.err


def test_of_a_model(program: Callable[..., Any], bundles: BundleWorld, tmp_path: Path) -> None:
    """A version's card is of its run beside the others of the same call, under the version's name; a version that is not there is told."""
    done = program("card", "build", "shapes@champion", *bundles.places, "--out", tmp_path / "card")
    assert 0 == done.code, done.err
    text = (tmp_path / "card" / "README.md").read_text()
    assert "# shapes/1" in text
    assert "| baseline | all questions" in text
    assert "| v-reason | all questions" in text
    assert 0 == program("card", "check", tmp_path / "card", *bundles.places).code
    done = program("card", "build", "shapes/9", *bundles.places, "--out", tmp_path / "none")
    assert (5, True) == (done.code, "no version 9" in done.err)


def test_stored_beside_a_version(program: Callable[..., Any], own_bundles: BundleWorld, tmp_path: Path) -> None:
    """Registered with a card from the notes beside it, built again with others, checked with the bundle; a changed bundle is named."""
    notes = tmp_path / "n.md"
    notes.write_text("Ask Ada first.\n")
    made = program("model", "register", "v-reason", "--name", "shapes", "--skip-example", "--notes", notes, *own_bundles.places)
    assert (0, True) == (made.code, "card: v-reason: " in made.out), made.err
    done = program("card", "build", "shapes/2", "--store", *own_bundles.places, "--out", tmp_path / "card", "--notes", notes)
    assert (0, True) == (done.code, "shapes/2: its card is stored beside it" in done.out), done.err
    assert "Ask Ada first." in (tmp_path / "card" / "README.md").read_text()
    assert 0 == program("card", "check", tmp_path / "card", *own_bundles.places).code
    own_bundles.registry.tag(own_bundles.registry.find("shapes/2"), {"vreason.files_sha256": "0" * 64})
    found = program("card", "check", tmp_path / "card", *own_bundles.places)
    assert (8, True) == (found.code, "shapes/2, files: the card says as registered" in found.err)


def test_diff(program: Callable[..., Any], bundles: BundleWorld) -> None:
    """Of two runs: settings, figures, and the questions that both were asked; as JSON too; of one run there is nothing."""
    done = program("card", "diff", "baseline", "v-reason", *bundles.places)
    assert (0, True, True) == (done.code, "controller.lr" in done.out, "v-reason: " in done.out), done.err
    told = json.loads(program("card", "diff", "baseline", "shapes/1", "--json", *bundles.places).out)
    assert ("baseline", "shapes/1") == (told["one"], told["other"])
    assert {"method", "figures", "identity"} <= {each["part"] for each in told["differences"]}
    same = program("card", "diff", "shapes/1", "shapes@champion", *bundles.places)
    assert (0, True) == (same.code, "no difference" in same.out)


def test_export(program: Callable[..., Any], bundles: BundleWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository's folder; a benchmark that the Hub does not have is named, and taken with --dataset; pushed with a token."""
    options = ["card", "export", "shapes/1", "--hub", "team/shapes", "--out", tmp_path / "hub", *bundles.places]
    done = program(*options)
    assert (0, True) == (done.code, "name it with --dataset demo=OWNER/NAME" in done.err), done.err
    assert not list((tmp_path / "hub").glob(".eval_results/*"))
    with running() as hub:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.address)
        monkeypatch.setattr("huggingface_hub.get_token", lambda: TOKEN)
        done = program(*options, "--dataset", "demo=team/demo", "--push")
        assert (0, True) == (done.code, "/team/shapes/commit/" in done.out), done.err
    assert ".eval_results/v-reason.yaml" in hub.files["team/shapes"]


def test_promotion_shows_what_differs(program: Callable[..., Any], own_bundles: BundleWorld) -> None:
    """Before the alias moves: settings and figures of both cards; the reason stays in the audit trail."""
    own_bundles.register("baseline")
    done = program("model", "promote", "shapes/2", "champion", "--reason", "half of the time", *own_bundles.places)
    assert 0 == done.code, done.err
    assert "controller.lr" in done.err
    assert "half of the time" in own_bundles.registry.find("shapes/2").tags["vreason.promoted.champion"]
    again = program("model", "promote", "shapes/2", "champion", "--reason", "again", *own_bundles.places)
    assert (0, "") == (again.code, again.err)


def test_notes_beside_the_config(program: Callable[..., Any], own_bundles: BundleWorld, tmp_path: Path) -> None:
    """card.md beside the config that the run was read from is the hand-written part; gone, what is in the card stays."""
    (tmp_path / "card.md").write_text("\ufeffWritten beside the config.\n", encoding="utf-8")
    run = own_bundles.catalog.find("v-reason")
    assert run.mlflow_id is not None
    own_bundles.registry.client.set_tag(run.mlflow_id, "vreason.config_file", str(tmp_path / "config.yaml"))
    (tmp_path / "elsewhere").mkdir()
    places = ["--tracking-uri", own_bundles.uri, "--journal", str(tmp_path / "elsewhere")]
    build = ["card", "build", "baseline", "v-reason", *places, "--out", tmp_path / "card"]
    assert 0 == program(*build).code
    assert "Written beside the config." in (tmp_path / "card" / "README.md").read_text()
    (tmp_path / "card.md").unlink()
    assert 0 == program(*build).code
    assert "Written beside the config." in (tmp_path / "card" / "README.md").read_text()


def test_the_stored_card_is_checked(program: Callable[..., Any], own_bundles: BundleWorld, tmp_path: Path) -> None:
    """By the version's name, all files of it; a changed one is named. Notes stay with the stored card, whoever builds it again where."""
    own_bundles.register("v-reason", with_card=True)
    notes = tmp_path / "n.md"
    notes.write_text("Ask Ada.")
    build = ["card", "build", "shapes/2", "--store", *own_bundles.places]
    assert 0 == program(*build, "--out", tmp_path / "one", "--notes", notes).code
    assert 0 == program(*build, "--out", tmp_path / "two").code
    assert "> Ask Ada." in (tmp_path / "two" / "README.md").read_text()
    assert "> Ask Ada." in program("card", "show", "shapes/2", *own_bundles.places).out
    done = program("card", "check", "shapes/2", *own_bundles.places)
    assert (0, True) == (done.code, "shapes/2: agrees with the record" in done.out), done.err
    folder = tmp_path / "changed" / "card"
    folder.mkdir(parents=True)
    (folder / "card.html").write_text((tmp_path / "two" / "card.html").read_text().replace("100.0 %", "99.9 %", 1))
    own_bundles.registry.add_files(own_bundles.registry.find("shapes/2"), folder.parent)
    found = program("card", "check", "shapes/2", *own_bundles.places)
    assert (8, True) == (found.code, "shapes/2: card.html, line" in found.err)


def test_notes_of_another_card_stay_there(program: Callable[..., Any], bundles: BundleWorld, places: list[str], tmp_path: Path) -> None:
    """A card that is built over another one takes nothing over that somebody has written about that, and says so."""
    notes = tmp_path / "n.md"
    notes.write_text("Of shapes alone.")
    assert 0 == program("card", "build", "shapes/1", *bundles.places, "--out", tmp_path / "card", "--notes", notes).code
    done = program("card", "build", "baseline", "v-reason", *places, "--out", tmp_path / "card")
    assert (0, True) == (done.code, "is another card" in done.err)
    assert "Of shapes alone." not in (tmp_path / "card" / "README.md").read_text()


def test_an_export_keeps_what_was_written(program: Callable[..., Any], bundles: BundleWorld, tmp_path: Path) -> None:
    """Into the card in its folder; and a card built over it leaves its results."""
    export = ["card", "export", "shapes/1", "--hub", "team/x", "--dataset", "demo=team/demo", "--out", tmp_path / "hub", *bundles.places]
    assert 0 == program(*export).code
    readme = tmp_path / "hub" / "README.md"
    nobody = next(line for line in readme.read_text().splitlines() if line.startswith("Nobody has written"))
    readme.write_text(readme.read_text().replace(nobody, "> Written in the folder."))
    assert 0 == program(*export).code
    assert "> Written in the folder." in readme.read_text()
    assert 0 == program("card", "check", tmp_path / "hub", *bundles.places).code
    assert 0 == program("card", "build", "shapes/1", *bundles.places, "--out", tmp_path / "hub").code
    assert 2 == len(list((tmp_path / "hub" / ".eval_results").iterdir()))


def test_a_run_that_ends_later_changes_no_card(program: Callable[..., Any], own_bundles: BundleWorld, tmp_path: Path) -> None:
    """A version's card is of the runs that it names, whatever others of the same call have finished since."""
    (tmp_path / "none").mkdir()
    places = ["--tracking-uri", own_bundles.uri, "--journal", str(tmp_path / "none")]
    client = own_bundles.registry.client
    baseline = own_bundles.catalog.find("baseline").mlflow_id
    client.set_terminated(baseline, "FAILED")
    assert 0 == program("card", "build", "shapes/1", *places, "--out", tmp_path / "card").code
    assert "| baseline |" not in (tmp_path / "card" / "README.md").read_text()
    client.set_terminated(baseline, "FINISHED")
    done = program("card", "check", tmp_path / "card" / "README.md", *places)
    assert 0 == done.code, done.err
