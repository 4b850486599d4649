"""vreason_tracking.comparison.paper: the paper's own numbers, only beside runs of its set-up, and marked as its."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources

import pytest

from tests.helpers import compared, records
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.comparison.paper import COLUMNS, SIX, Measured, match_paper, method_of

SETUP = {
    "model.id": "Qwen/Qwen2.5-VL-7B-Instruct",
    "data.scoring": "video-r1",
    "video.nframes": "16",
    "video.max_pixels": "200704",
    "generation.max_new_tokens": "1024",
    "generation.repetition_penalty": "1.0",
}
WHOLE = {
    "VideoMMMU": (0.46, 900),
    "MMVU": (0.61, 625),
    "MVBench": (0.60, 4_000),
    "TempCompass": (0.72, 7_540),
    "VideoMME": (0.53, 2_700),
    "VSI-Bench": (0.28, 5_130),
    "VSI-Bench (acc)": (0.34, 2_490),
    "VSI-Bench (MRA)": (0.22, 2_640),
}
PRINTED = {
    "Qwen2.5-VL-7B": ((45.8, 61.3, 60.7, 72.4, 53.7, 33.8, 22.3), 54.62, 50.00, (146, 551, 298, 124, 96, 144, 226)),
    "V-Reason-7B": ((46.3, 62.7, 60.9, 73.3, 54.9, 37.1, 23.4), 55.87, 51.23, (146, 324, 211, 126, 100, 149, 176)),
    "V-Reason-7B (Lite)": ((47.4, 65.0, 60.6, 72.3, 53.5, 37.3, 23.7), 56.02, 51.40, (145, 324, 219, 132, 98, 149, 178)),
    "Video-R1-7B": ((48.8, 64.0, 64.1, 73.3, 58.7, 30.9, 39.2), 56.63, 54.14, (392, 453, 483, 410, 412, 427, 430)),
}
"""The bars' labels in the order of the columns, their mean of six and of seven, and tokens by benchmark."""


def run(folder, preset="baseline", name=None, **params):
    return compared.recorded(folder, name or preset, compared.make_samples(2, 2), preset=preset, params={**SETUP, **params})


def of(runs, measured=WHOLE):
    figures = {name: Measured(*each) for name, each in measured.items()}
    return match_paper(runs, [figures] * len(runs))


@pytest.mark.parametrize(
    ("preset", "model", "paper_name"),
    [
        ("baseline", "Qwen/Qwen2.5-VL-7B-Instruct", "Qwen2.5-VL-7B"),
        ("v-reason", "qwen/qwen2.5-vl-7b-instruct", "V-Reason-7B"),
        ("v-reason-lite", "/models/Qwen2.5-VL-7B-Instruct/", "V-Reason-7B (Lite)"),
        ("baseline", "Video-R1/Video-R1-7B", "Video-R1-7B"),
    ],
)
def test_the_papers_row(tmp_path, preset, model, paper_name) -> None:
    """Its figures as printed, its means of six and of seven columns, and ours beside them."""
    (row,) = of([run(tmp_path, preset, **{"model.id": model})]).rows
    printed, six, seven, tokens = PRINTED[paper_name]
    assert (preset, paper_name) == (row.name, row.paper_name)
    assert COLUMNS == tuple(row.columns)
    assert [value / 100 for value in printed] == [theirs for _, theirs in row.columns.values()]
    assert [WHOLE[column][0] for column in COLUMNS] == [ours for ours, _ in row.columns.values()]
    assert six == round(row.means["mean of 6"][1] * 100, 2)
    assert seven == round(row.means["mean of 7"][1] * 100, 2)
    assert (0.46 + 0.61 + 0.60 + 0.72 + 0.53 + 0.34) / 6 == pytest.approx(row.means["mean of 6"][0])
    assert (0.46 + 0.61 + 0.60 + 0.72 + 0.53 + 0.34 + 0.22) / 7 == pytest.approx(row.means["mean of 7"][0])
    order = ("VSI-Bench", "VideoMMMU", "MMVU", "MVBench", "TempCompass", "VideoMME", "average")
    assert {name: (None, float(value)) for name, value in zip(order, tokens, strict=True)} == row.output_tokens


def test_the_headline_leaves_one_column_out() -> None:
    """The mean of six has VSI-Bench's accuracy and not its mean relative accuracy; the arithmetic says so."""
    assert ("VideoMMMU", "MMVU", "MVBench", "TempCompass", "VideoMME", "VSI-Bench (acc)") == SIX
    said = of([]).arithmetic
    assert "54.62 / 55.87 / 56.02 (Lite) / 56.63" in said
    assert "without VSI MRA" in said


def test_the_packaged_facts() -> None:
    """They are complete: four models, seven columns, six benchmarks' tokens and their average."""
    facts = json.loads(resources.files("vreason_tracking.comparison").joinpath("reference/paper.json").read_text(encoding="utf-8"))
    assert "Project page of arXiv 2510.17045, bar charts (labels printed on the bars); 7B models; v1 figures" == facts["source"]
    assert {name: list(printed) for name, (printed, *_) in PRINTED.items()} == {
        name: list(columns.values()) for name, columns in facts["accuracy"].items()
    }
    assert {COLUMNS} == {tuple(columns) for columns in facts["accuracy"].values()}
    tokens = {name: list(values) for name, values in facts["output_tokens"].items() if name != "order"}
    assert {name: list(each[3]) for name, each in PRINTED.items()} == tokens
    assert all(round(sum(values[:6]) / 6) == pytest.approx(values[6], abs=1) for values in tokens.values())


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"data.scoring": "robust"}, "data.scoring is robust, not video-r1"),
        ({"video.nframes": "32"}, "video.nframes is 32, not 16"),
        ({"video.nframes": "null"}, "video.nframes is null, not 16"),
        ({"generation.max_new_tokens": "512"}, "generation.max_new_tokens is 512, not 1024"),
        ({"generation.repetition_penalty": "1.05"}, "generation.repetition_penalty is 1.05, not 1.0"),
        (
            {"generation.do_sample": "True", "generation.top_p": "0.9"},
            "generation.do_sample is True, not False (or with top_p 0.001, which is as good as greedy)",
        ),
        ({"data.limit": "2000"}, "TempCompass: data.limit is 2000, not null"),
    ],
)
def test_another_set_up(tmp_path, params, reason) -> None:
    """No column of the paper's, and why."""
    found = of([run(tmp_path, **params)])
    assert ([], [f"baseline: no column of the paper's ({reason})"]) == (found.rows, found.excluded)


def test_as_good_as_greedy(tmp_path) -> None:
    """Video-R1's own settings draw from a thousandth of the distribution: that is the paper's set-up."""
    assert of([run(tmp_path, **{"generation.do_sample": "True", "generation.top_p": "0.001"})]).rows


@pytest.mark.parametrize(
    ("column", "n", "reason"),
    [
        ("VideoMMMU", 899, "VideoMMMU: 899 answered, not 900"),
        ("MMVU", 10, "MMVU: 10 answered, not 625"),
        ("MVBench", 3_800, "MVBench: 3,800 answered, not 4,000"),
        ("VideoMME", 2_701, "VideoMME: 2,701 answered, not 2,700"),
        ("VSI-Bench (acc)", 2_489, "VSI-Bench (acc): 2,489 answered, not 2,490"),
        ("VSI-Bench (MRA)", 1, "VSI-Bench (MRA): 1 answered, not 2,640"),
        ("TempCompass", 410, "TempCompass: 410 answered, not 1,503 at least"),
    ],
)
def test_part_of_a_benchmark(tmp_path, column, n, reason) -> None:
    """A figure of part of the questions does not stand beside one of all."""
    found = of([run(tmp_path)], {**WHOLE, column: (0.5, n)})
    assert ([], [f"baseline: no column of the paper's ({reason})"]) == (found.rows, found.excluded)


def test_every_reason_at_once(tmp_path) -> None:
    """All that differs, so that it can be fixed in one go."""
    found = of([run(tmp_path, **{"video.nframes": "8", "data.scoring": "robust"})], {"MMVU": (0.5, 10)})
    reasons = "data.scoring is robust, not video-r1; video.nframes is 8, not 16; MMVU: 10 answered, not 625"
    assert [f"baseline: no column of the paper's ({reasons})"] == found.excluded


def test_other_benchmarks(tmp_path) -> None:
    """A run of the model on something else is told why it stands alone."""
    found = of([run(tmp_path)], {"shapes": (0.5, 100)})
    assert ["baseline: no column of the paper's (none of its benchmarks is one of the paper's)"] == found.excluded


def test_some_of_its_benchmarks(tmp_path) -> None:
    """Columns that were not measured are empty, and so is each mean that needs them."""
    (row,) = of([run(tmp_path)], {name: WHOLE[name] for name in SIX} | {"shapes": (0.1, 3)}).rows
    assert (None, 0.223) == row.columns["VSI-Bench (MRA)"]
    assert row.means["mean of 6"][0] is not None
    assert row.means["mean of 7"][0] is None
    (row,) = of([run(tmp_path, name="b")], {"MMVU": WHOLE["MMVU"]}).rows
    assert (None, None) == (row.means["mean of 6"][0], row.means["mean of 7"][0])


@pytest.mark.parametrize("name", ["Video-MME", "video_mme", "VideoMME", "VIDEO MME"])
def test_names_of_benchmarks(tmp_path, name) -> None:
    """Case, hyphens, underscores and spaces are no difference."""
    (row,) = of([run(tmp_path)], {name: (0.5, 2_700)}).rows
    assert (0.5, 0.537) == row.columns["VideoMME"]


def test_a_benchmark_whole_is_none_of_its_halves(tmp_path) -> None:
    """VSI-Bench as one number is not one of the paper's columns."""
    assert [] == of([run(tmp_path)], {"VSI-Bench": (0.28, 5_130)}).rows


@pytest.mark.parametrize(
    "params",
    [
        {"model.id": "demo"},
        {"model.id": "Qwen/Qwen2.5-VL-3B-Instruct"},
    ],
)
def test_not_the_papers(tmp_path, params) -> None:
    """Another model has no number in the paper: nothing is said."""
    found = of([run(tmp_path, "v-reason", **params)])
    assert ([], []) == (found.rows, found.excluded)


@pytest.mark.parametrize("params", [{"method.controller.k": "8"}, {"method.controller": "null"}, {"model.id": "Video-R1/Video-R1-7B"}])
def test_another_method(tmp_path, params) -> None:
    """A method that the paper does not have for its model is said to be one."""
    found = of([run(tmp_path, "v-reason", **params)])
    told = "v-reason: no column of the paper's (its method is none that the paper has for this model)"
    assert ([], [told]) == (found.rows, found.excluded)


def test_intervals_and_tokens_stand_beside(tmp_path) -> None:
    """What was measured here has its interval; tokens stand beside the paper's, their average only where all are measured."""
    figures = {"MMVU": Measured(0.6, 625, 0.55, 0.65, 300.0), "VSI-Bench": Measured(0.3, 5_130, output_tokens=150.0)}
    row = match_paper([run(tmp_path)], [figures]).rows[0]
    assert (0.55, 0.65) == (row.measured["MMVU"].low, row.measured["MMVU"].high)
    assert ((300.0, 298.0), (150.0, 146.0)) == (row.output_tokens["MMVU"], row.output_tokens["VSI-Bench"])
    assert (None, 226.0) == row.output_tokens["average"]


@pytest.mark.parametrize("preset", ["baseline", "v-reason", "v-reason-lite"])
def test_methods(tmp_path, preset) -> None:
    """A preset is known by its settings, whatever the variant is called and whatever its seed."""
    own = run(tmp_path, preset, name="mine")
    seeds = {name: "77" for name in own.params if name.endswith(".seed")}
    assert preset == method_of(replace(own, params={**own.params, **seeds}))
    assert None is method_of(replace(own, params={name: value for name, value in own.params.items() if not name.startswith("method.")}))


def test_failed_questions_in_a_comparison(tmp_path) -> None:
    """The figures come from the answered ones: a benchmark with failures is not whole."""
    samples = [(records.sample(f"s-{number:03d}", video=f"{number % 379}.mp4", benchmark="MMVU"), ()) for number in range(625)]
    whole = [compared.recorded(tmp_path, name, samples, preset=name, params=SETUP, tags={"scoring": "video-r1"})
             for name in ("baseline", "v-reason")]  # fmt: skip
    assert ["Qwen2.5-VL-7B", "V-Reason-7B"] == [row.paper_name for row in compare(whole).paper.rows]
    failed = [(records.failed("s-000", video="0.mp4", benchmark="MMVU"), ()), *samples[1:]]
    fails = compared.recorded(tmp_path, "fails", failed, preset="v-reason-lite", params=SETUP, tags={"scoring": "video-r1"})
    found = compare([whole[0], fails]).paper
    assert ["baseline"] == [row.name for row in found.rows]
    assert ["fails: no column of the paper's (MMVU: 624 answered, not 625)"] == found.excluded
