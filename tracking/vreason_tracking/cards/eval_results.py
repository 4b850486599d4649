"""Accuracies in the form that the Hugging Face Hub reads from `.eval_results/`, one file a variant; their notes say only what departs.

The Hub shows them on the model's page and on the leaderboard of the benchmark's data set (huggingface.co/docs/hub/eval-results).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from vreason_tracking.cards.evidence import Evidence, RunFacts
from vreason_tracking.cards.method_card import DEPARTS
from vreason_tracking.cards.plain_text import one_line

FOLDER = ".eval_results"
MARK = "# vreason-card: "
"""Begins a file of ours; data sets by benchmark follow, as JSON."""

HUB_DATASETS: Mapping[str, str] = {
    "vsibench": "nyu-visionx/VSI-Bench",
    "videommmu": "lmms-lab/VideoMMMU",
    "mmvu": "yale-nlp/MMVU",
    "mvbench": "OpenGVLab/MVBench",
    "tempcompass": "lmms-lab/TempCompass",
    "videomme": "lmms-lab/Video-MME",
}
"""Data sets of the Hub by the benchmark's name in small letters and digits."""

_DATASET = re.compile(r"(?P<id>[\w.-]{1,96}/[\w.-]{1,96})(?::(?P<task>[\w.-]{1,96}))?", re.ASCII)
_TASK = "default"


@dataclass(frozen=True)
class HubDataset:
    """A benchmark as the Hub has it.

    Attributes:
        id: of the data set, "owner/name".
        task: of the benchmark, as its `eval.yaml` names it.
    """

    id: str
    task: str = _TASK

    @classmethod
    def parse(cls, text: str) -> HubDataset:
        """Of "owner/name" or "owner/name:task".

        Raises:
            ValueError: it is neither.
        """
        found = _DATASET.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no data set of the Hub; write OWNER/NAME, or OWNER/NAME:TASK")
        return cls(found["id"], found["task"] or _TASK)


def dataset_of(benchmark: str, named: Mapping[str, HubDataset]) -> HubDataset | None:
    """The Hub's data set of a benchmark: the one that is named for it, else one of the paper's six; None where it has none."""
    known = HUB_DATASETS.get(re.sub(r"[^a-z0-9]", "", benchmark.lower()))
    return named.get(benchmark) or (HubDataset(known) if known else None)


def eval_results(evidence: Evidence, named: Mapping[str, HubDataset]) -> dict[str, str]:
    """The files by name: one a variant that has an accuracy on a data set of the Hub.

    Args:
        evidence: of the card.
        named: data sets by the benchmark's name, for benchmarks that are none of the paper's.
    """
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    files: dict[str, str] = {}
    for run in evidence.runs:
        entries = [
            EvalResultEntry(
                dataset_id=dataset.id,
                task_id=dataset.task,
                value=round(100 * figure.value, 4),
                date=run.started[:10] or None,
                notes=_notes(run, figure.n, evidence) or None,
            )
            for figure in evidence.figures_of(run.name, "benchmark", "accuracy", "mean")
            if figure.value is not None and figure.group in evidence.benchmarks and (dataset := dataset_of(figure.group, named)) is not None
        ]
        if entries:
            name = _file_name(run.name, files)
            text = yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False, allow_unicode=False, width=10_000)
            files[name] = f"{MARK}{json.dumps(_told(evidence, named))}\n{text}"
    return files


def _told(evidence: Evidence, named: Mapping[str, HubDataset]) -> dict[str, str]:
    found = {name: dataset_of(name, named) for name in evidence.benchmarks}
    return {name: f"{dataset.id}:{dataset.task}" for name, dataset in found.items() if dataset is not None}


def datasets_in(text: str) -> dict[str, HubDataset] | None:
    """Data sets by benchmark as a file of ours was written with them; None where it is none of ours."""
    first = text.partition("\n")[0]
    if not first.startswith(MARK):
        return None
    try:
        return {str(name): HubDataset.parse(str(dataset)) for name, dataset in json.loads(first.removeprefix(MARK)).items()}
    except (ValueError, AttributeError, RecursionError):
        return None


def require_benchmarks(evidence: Evidence, named: Mapping[str, HubDataset]) -> None:
    """See that data sets are named for benchmarks that a card has.

    Raises:
        ValueError: one is not.
    """
    for name in named:
        if name not in evidence.benchmarks:
            raise ValueError(f"{name!r} is no benchmark of this card; it has {', '.join(evidence.benchmarks)}")


def without_dataset(evidence: Evidence, named: Mapping[str, HubDataset]) -> list[str]:
    """Benchmarks whose accuracies have no place in `.eval_results`."""
    return [name for name in evidence.benchmarks if dataset_of(name, named) is None]


def _notes(run: RunFacts, answered: int | None, evidence: Evidence) -> str:
    """The variant's name unless it is the baseline, and what departs from the paper, in its method and in the protocol."""
    departing = [f"{each.name}={each.value}" for each in run.settings if each.source == DEPARTS]
    own = [run.name] if run.name != evidence.baseline else []
    partial = [f"{answered} of {run.asked} questions"] if run.asked is not None and answered is not None and answered < run.asked else []
    return one_line("; ".join([*own, *departing, *run.departures, *partial]))[:500]


def _file_name(run: str, taken: Mapping[str, str]) -> str:
    """A name that no other variant has, of letters that every file system takes."""
    base = re.sub(r"[^A-Za-z0-9._-]+", "-", run).strip("._-")[:80] or "variant"
    names = (base if number == 1 else f"{base}-{number}" for number in range(1, len(taken) + 2))
    return next(f"{name}.yaml" for name in names if f"{name}.yaml" not in taken)


def hub_names(pairs: Sequence[str]) -> dict[str, HubDataset]:
    """Data sets by benchmark, out of "BENCHMARK=OWNER/NAME[:TASK]" each.

    Raises:
        ValueError: one is not written so.
    """
    found = {}
    for pair in pairs:
        name, separator, dataset = pair.rpartition("=")
        if not separator or not name.strip():
            raise ValueError(f"{pair!r} names no data set; write BENCHMARK=OWNER/NAME, or BENCHMARK=OWNER/NAME:TASK")
        found[name.strip()] = HubDataset.parse(dataset.strip())
    return found
