"""vreason_tracking.running.listening: listeners that a config names."""

from __future__ import annotations

import pytest

from tests.helpers.trials import Watcher
from vreason.errors import PluginError
from vreason.listeners import Listener
from vreason_tracking.running.listening import load_listeners

MODULE = "tests.tracking.running.test_listening"
READY = Watcher()
NUMBER = 7


class Loud(Listener):
    """One of one's own."""


class Broken(Listener):
    """One that cannot be made."""

    def __init__(self) -> None:
        raise OSError("no paper in the printer")


def makes() -> Listener:
    """A function that makes one."""
    return Loud()


def makes_nothing() -> None:
    """A function that makes none."""


def test_none() -> None:
    """A config without listeners has none."""
    assert [] == load_listeners([])


def test_classes_and_functions() -> None:
    """A class is made without arguments, a function is called, something made already is taken; in the order of the names."""
    made = load_listeners([f"{MODULE}:Loud", f"{MODULE}:makes", f"{MODULE}:READY", f"{MODULE}:Loud"])
    assert ["Loud", "Loud", "Watcher", "Loud"] == [type(each).__name__ for each in made]
    assert all(isinstance(each, Listener) for each in made)
    assert made[0] is not made[3]


def test_of_the_current_folder(tmp_path, monkeypatch) -> None:
    """A module that lies where one stands is found."""
    text = "import vreason.listeners\n\nclass Here(vreason.listeners.Listener):\n    pass\n"
    (tmp_path / "a_listener_of_this_folder.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert ["Here"] == [type(each).__name__ for each in load_listeners(["a_listener_of_this_folder:Here"])]


def test_of_an_installed_package(site_packages) -> None:
    """A package offers one by an entry point's name."""
    site_packages.install("vreason-loud", {"vreason.listeners": {"loud": f"{MODULE}:Loud"}})
    assert [Loud.__name__] == [type(each).__name__ for each in load_listeners(["loud"])]
    with pytest.raises(PluginError, match=r"listeners\.0: no installed package offers 'quiet' \(vreason\.listeners\); there are: loud"):
        load_listeners(["quiet"])


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("tests.nowhere:Loud", r"listeners\.1: 'tests\.nowhere:Loud' cannot be loaded: ModuleNotFoundError"),
        (f"{MODULE}:Quiet", r"listeners\.1: module '.*' has no 'Quiet'; check the name behind the colon"),
        (f"{MODULE}:Broken", r"listeners\.1: '.*:Broken' cannot be made: OSError: no paper in the printer"),
        (f"{MODULE}:NUMBER", r"listeners\.1: '.*:NUMBER' is a int; name a subclass of vreason\.Listener"),
        (f"{MODULE}:makes_nothing", r"listeners\.1: '.*:makes_nothing' is a NoneType; name a subclass of vreason\.Listener"),
        ("loud", r"listeners\.1: no installed package offers 'loud' \(vreason\.listeners\); there are: none; or write module:attribute"),
    ],
)
def test_what_is_none(name, wrong) -> None:
    """It is refused with its place in the config and what to do."""
    with pytest.raises(PluginError, match=wrong):
        load_listeners([f"{MODULE}:Loud", name])
