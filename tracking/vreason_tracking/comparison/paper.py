"""The paper's own numbers beside the measured ones, where the set-up matches. They are printed on its project page, and marked as the
paper's wherever they are shown: nobody here has measured them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from vreason.config import PRESETS
from vreason_tracking.catalog import RecordedRun
from vreason_tracking.settings import Variant

COLUMNS = ("VideoMMMU", "MMVU", "MVBench", "TempCompass", "VideoMME", "VSI-Bench (acc)", "VSI-Bench (MRA)")
"""Of the paper's table. Its headline is the mean of the first six."""
SIX = COLUMNS[:6]

_COUNTS = {"VideoMMMU": 900, "MMVU": 625, "MVBench": 4_000, "VideoMME": 2_700, "VSI-Bench (acc)": 2_490, "VSI-Bench (MRA)": 2_640}
_LEAST = {"TempCompass": 1_503}  # its smallest part on the Hub; nobody says of how many questions the paper's number is
_NAMES = {
    ("qwen2.5-vl-7b-instruct", "baseline"): "Qwen2.5-VL-7B",
    ("qwen2.5-vl-7b-instruct", "v-reason"): "V-Reason-7B",
    ("qwen2.5-vl-7b-instruct", "v-reason-lite"): "V-Reason-7B (Lite)",
    ("video-r1-7b", "baseline"): "Video-R1-7B",
}
_SETTINGS = {
    "data.scoring": "video-r1",
    "video.nframes": "16",
    "video.max_pixels": "200704",  # 256 * 28 * 28, the evaluation's
    "generation.max_new_tokens": "1024",
    "generation.repetition_penalty": "1.0",
}


class Measured(NamedTuple):
    """A benchmark's figures here: accuracy with its interval (None where there is none), answered questions, mean output tokens."""

    accuracy: float
    answered: int
    low: float | None = None
    high: float | None = None
    output_tokens: float | None = None


@dataclass(frozen=True)
class PaperRow:
    """A run that the paper has as well.

    Attributes:
        name: of the run here.
        paper_name: what the paper calls it.
        columns: by the paper's column: measured accuracy (None where it was not), and the paper's, shares.
        means: the same for the mean of six columns, the paper's headline, and of all seven; measured only where every column is.
        measured: by the paper's column, what was measured here.
        output_tokens: mean tokens a reply by benchmark: measured (None where it was not), and the paper's; and their average.
    """

    name: str
    paper_name: str
    columns: Mapping[str, tuple[float | None, float]]
    means: Mapping[str, tuple[float | None, float]]
    measured: Mapping[str, Measured]
    output_tokens: Mapping[str, tuple[float | None, float]]


@dataclass(frozen=True)
class Paper:
    """What the paper says of these runs.

    Attributes:
        source: of its numbers.
        arithmetic: what its means include.
        rows: of the runs that match.
        excluded: why runs of the paper's models have no column of the paper's.
    """

    source: str
    arithmetic: str
    rows: Sequence[PaperRow]
    excluded: Sequence[str]


def match_paper(runs: Sequence[RecordedRun], measured: Sequence[Mapping[str, Measured]]) -> Paper:
    """The paper's rows for these runs.

    Args:
        runs: compared.
        measured: by benchmark (and its halves, "VSI-Bench (acc)"), of each run.
    """
    reference = _reference()
    rows, excluded = [], []
    for run, figures in zip(runs, measured, strict=True):
        if _model_of(run) not in {model for model, _ in _NAMES}:
            continue
        name = _NAMES.get((_model_of(run), method_of(run) or ""))
        if name is None:
            excluded.append(f"{run.name}: no column of the paper's (its method is none that the paper has for this model)")
            continue
        known = {column: figures[theirs] for theirs in figures if (column := _column(theirs))}
        if issues := _mismatches(run, known):
            excluded.append(f"{run.name}: no column of the paper's ({'; '.join(issues)})")
        else:
            tokens = {_plain(benchmark): each.output_tokens for benchmark, each in figures.items()}
            rows.append(_row(run.name, name, known, tokens, reference))
    return Paper(str(reference["source"]), str(reference["arithmetic"]), rows, excluded)


def protocol_departures(params: Mapping[str, str]) -> list[str]:
    """In what a run departs from the paper's protocol of evaluation, whatever model and data it is of; empty where it follows it.

    Args:
        params: of the run, as recorded.
    """
    own = {name: params.get(name, "not recorded") for name in _SETTINGS}
    issues = [f"{name} is {own[name]}, not {value}" for name, value in _SETTINGS.items() if own[name] != value]
    if params.get("generation.do_sample") == "True" and params.get("generation.top_p") != "0.001":
        issues.append("generation.do_sample is True, not False (or with top_p 0.001, which is as good as greedy)")
    return issues


def method_of(run: RecordedRun) -> str | None:
    """The preset that the run's method is, the seeds of its random parts aside; None when it is none."""
    own = {name.removeprefix("method."): value for name, value in run.params.items() if name.startswith("method.")}
    for name, method in PRESETS.items():
        preset = {key: str(value) for key, value in Variant(name, method).flattened().items()}
        if own and _seedless(own) == _seedless(preset):
            return name
    return None


def _seedless(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if not name.endswith(".seed")}


def _model_of(run: RecordedRun) -> str:
    """The model's name without its owner or folder."""
    return run.params.get("model.id", "").rstrip("/").rsplit("/", 1)[-1].lower()


def _mismatches(run: RecordedRun, known: Mapping[str, Measured]) -> list[str]:
    issues = protocol_departures(run.params)
    if not known:
        issues.append("none of its benchmarks is one of the paper's")
    answered = {column: each.answered for column, each in known.items()}
    issues += [f"{column}: {n:,} answered, not {_COUNTS[column]:,}" for column, n in answered.items() if n != _COUNTS.get(column, n)]
    uncounted = {column: n for column, n in answered.items() if column in _LEAST}
    issues += [f"{column}: {n:,} answered, not {_LEAST[column]:,} at least" for column, n in uncounted.items() if n < _LEAST[column]]
    if uncounted and (limit := run.params.get("data.limit", "null")) != "null":
        issues.append(f"{', '.join(uncounted)}: data.limit is {limit}, not null")
    return issues


def _row(
    name: str, paper_name: str, known: Mapping[str, Measured], tokens: Mapping[str, float | None], reference: Mapping[str, Any]
) -> PaperRow:
    theirs = {column: value / 100 for column, value in reference["accuracy"][paper_name].items()}
    ours = {column: known[column].accuracy if column in known else None for column in COLUMNS}
    paper_tokens = dict(zip(reference["output_tokens"]["order"], reference["output_tokens"][paper_name], strict=True))
    own_tokens = {benchmark: tokens.get(_plain(benchmark)) for benchmark in paper_tokens if benchmark != "average"}
    return PaperRow(
        name=name,
        paper_name=paper_name,
        columns={column: (ours[column], theirs[column]) for column in COLUMNS},
        means={f"mean of {len(part)}": (_mean([ours[each] for each in part]), _paper_mean(theirs, part)) for part in (SIX, COLUMNS)},
        measured=known,
        output_tokens={
            benchmark: (_mean(list(own_tokens.values())) if benchmark == "average" else own_tokens[benchmark], float(value))
            for benchmark, value in paper_tokens.items()
        },
    )


def _mean(values: Sequence[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return sum(present) / len(present) if len(present) == len(values) else None


def _paper_mean(theirs: Mapping[str, float], part: Sequence[str]) -> float:
    return sum(theirs[each] for each in part) / len(part)


def _column(benchmark: str) -> str | None:
    """The paper's column of a benchmark's name; "Video-MME" and "video_mme" are VideoMME."""
    return next((column for column in COLUMNS if _plain(column) == _plain(benchmark)), None)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def _reference() -> dict[str, Any]:
    text = resources.files("vreason_tracking.comparison").joinpath("reference/paper.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
