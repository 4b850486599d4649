"""vreason.benchmarks.registry: from a name to samples, of the demo, of a file, and of packages installed on the spot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.raised import error_of
from tests.helpers.site_packages import SitePackages
from vreason.benchmarks import DemoBenchmark, Sample, load_samples
from vreason.errors import DataError, PluginError
from vreason.plugins import BENCHMARKS

SOURCE = """
from vreason.benchmarks import Sample
from vreason.errors import DataError

class Toy:
    name = "Toy"

    def __init__(self, split, video_root):
        self.split, self.video_root = split, video_root

    def samples(self):
        where = f"{self.video_root}/{self.split}"
        return [Sample(f"toy-{i}", f"{where}/{i}.mp4", "How many?", str(i), "numerical", benchmark=self.name) for i in range(4)]

class Unnamed(Toy):
    name = ""

class Lazy(Toy):
    def samples(self):
        yield from super().samples()

class Empty(Toy):
    def samples(self):
        return []

class Rows(Toy):
    def samples(self):
        return [*super().samples(), {"id": "toy-9"}]

class Strange(Toy):
    def samples(self):
        return [Sample("toy-1", "a.mp4", "How many?", "3", "counting")]

class Twice(Toy):
    def samples(self):
        return [*super().samples(), *super().samples()]

class Fails(Toy):
    def samples(self):
        return open("/no/such/annotations.json")

class NeedsData(Toy):
    def samples(self):
        raise DataError("toy: data.video_root is missing; download the videos first")

class Old:
    def __init__(self, split):
        pass

def make(**settings):
    return Toy(**settings)
"""
NAMES = {
    name.lower(): f"toy_bench:{name}"
    for name in ("Toy", "Lazy", "Empty", "Rows", "Strange", "Twice", "Fails", "NeedsData", "Old", "make", "Gone", "Unnamed")
}


@pytest.fixture
def toy(site_packages: SitePackages) -> None:
    """A package with benchmarks, good and bad."""
    site_packages.install("vreason-toy", {BENCHMARKS: NAMES}, "0.2", toy_bench=SOURCE)


def test_the_demo_is_embedded() -> None:
    """By default its test split; another split and a limit are its own."""
    assert DemoBenchmark("test", 3).samples() == load_samples("demo", limit=3)
    assert DemoBenchmark("validation", 2).samples() == load_samples("demo", "validation", limit=2)


def test_a_file_is_asked_as_it_is(tmp_path: Path) -> None:
    """Videos start from the root given, else from the file's folder; a limit takes the first."""
    file = tmp_path / "mine.jsonl"
    file.write_text("\n".join(json.dumps({"video": f"{i}.mp4", "question": "Up?", "answer": "yes"}) for i in range(3)))
    assert [str(tmp_path / f"{i}.mp4") for i in range(3)] == [sample.video for sample in load_samples(str(file))]
    assert ["/videos/0.mp4", "/videos/1.mp4"] == [sample.video for sample in load_samples(str(file), video_root="/videos", limit=2)]


def test_samples_that_name_no_benchmark_have_the_config_s(toy: None) -> None:
    """Like those of a file, which have the file's name: results are counted by benchmark."""
    assert {"unnamed"} == {sample.benchmark for sample in load_samples("unnamed", "test", "/videos")}


def test_a_name_that_nobody_offers_is_a_file_that_is_not_there() -> None:
    """The message names it as it was written."""
    with pytest.raises(DataError, match=r"no-such-bench: no such file; check data.source"):
        load_samples("no-such-bench")


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("name", ["toy", "lazy", "make"])
def test_an_installed_benchmark_is_handed_split_and_root(name: str) -> None:
    """A class, one whose samples come one by one, and a function: called with both, None where the config has none, cut at the limit."""
    whole = load_samples(name, "test", "/videos")
    assert [Sample(f"toy-{i}", f"/videos/test/{i}.mp4", "How many?", str(i), "numerical", benchmark="Toy") for i in range(4)] == list(whole)
    assert list(whole[:2]) == list(load_samples(name, "test", "/videos", limit=2))
    assert "None/None/0.mp4" == load_samples(name)[0].video


BAD = "data.source: benchmark '{}' of vreason-toy 0.2"
KINDS = "multiple choice, numerical, regression, OCR, free-form"


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty", f"{BAD} yields nothing; yield vreason.benchmarks.Sample"),
        ("rows", f"{BAD} yields dict; yield vreason.benchmarks.Sample"),
        ("strange", f"{BAD}: problem_type 'counting' of sample 'toy-1' is not one of {KINDS}; correct it there"),
        ("twice", f"{BAD}: sample_id 'toy-0' is there 2 times; give each sample its own"),
        ("fails", f"{BAD} failed: FileNotFoundError: [Errno 2] No such file or directory: '/no/such/annotations.json'; upgrade or"),
        ("old", f"{BAD} failed: TypeError: Old.__init__() got an unexpected keyword argument 'video_root'; upgrade or remove that package"),
        ("gone", "plug-in '{}' (vreason.benchmarks, toy_bench:Gone) of vreason-toy 0.2 cannot be loaded: AttributeError: "),
    ],
)
def test_a_benchmark_that_does_not_do_what_it_promises(name: str, message: str) -> None:
    """PluginError names the benchmark, its distribution and what is wrong, before a model is loaded."""
    error = error_of(lambda: load_samples(name))
    assert isinstance(error, PluginError)
    assert str(error).startswith(message.format(name))


@pytest.mark.usefixtures("toy")
def test_what_a_benchmark_says_of_its_data_is_not_reworded() -> None:
    """Its own DataError reaches the user as it is."""
    with pytest.raises(DataError, match=r"^toy: data.video_root is missing; download the videos first$"):
        load_samples("needsdata")


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("options", [{}, {"limit": 1}], ids=str)
def test_a_wrong_sample_is_found_wherever_it_is(options: dict[str, Any]) -> None:
    """Also behind the limit: what is asked must not hang on how much is asked."""
    with pytest.raises(PluginError, match="yields dict"):
        load_samples("rows", **options)
