"""The page of all metrics, out of their one table: ``python -m vreason_tracking.records.metrics_page docs/metrics.md``."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from itertools import pairwise
from pathlib import Path

from vreason_tracking.records import metrics
from vreason_tracking.records.metrics import Metric

_INTRO = """# Metrics

Written by `make docs` from the one table in `tracking/vreason_tracking/records/metrics.py`; a test holds the two together.

Everything that is recorded as a number, under the name that it has in MLflow. What stands in `{braces}` is filled in.
MLflow's pages group charts by what stands before a name's last `/`: `accuracy`, `accuracy/type`, `latency`, `gpu/0`.

**Texts in names.** Of a problem type or category, word characters, `-`, and single spaces and dots within it stay. Any other character
becomes its hexadecimal code point between colons (`a/b` is `a:2f:b`); what is then longer than 80 characters is cut and ends in `::` and a
digest of the whole. So two texts have two names. Where a name does not spell its text, the run's tag `vreason.text/` with the metric's name
behind it holds the whole text.

**Earlier versions** recorded with dots where `/` stands now (`live.accuracy`, `output_tokens.mean`, `accuracy.multiple_choice`). Their runs
stay as they are in MLflow; `vreason-track` shows them under the names below. A category that one of them wrote with `_` for other
characters keeps that.

**Where.** A variant has a run; each of its finished samples has a run nested below that.

| group | run | when |
|---|---|---|
| step, sample | the sample's nested run | when the sample is finished |
| live, telemetry | the variant's run | while it goes on |
| curve, summary | the variant's run | once it is FINISHED: a run that was killed or failed has neither |

**Step and timestamp.** MLflow keeps both at every value. What a group's step counts is said above its table. The timestamp is Unix time in
milliseconds, and always the event's own, never that of sending: a record that is delivered days later has the same.

**Better.** Which way is better, other things equal: `higher`, `lower`, or `neither` for what describes a run and does not judge it.

A FINISHED variant's summary, with unit, direction and meaning, is also its artifact `summary_table.json`: MLflow's evaluation view (the
button with the table above the list of runs) sets those of several runs side by side, a row a figure and a column a run, and
`mlflow.load_table("summary_table.json", run_ids=[...])` reads them into one data frame.
"""


def render() -> str:
    """docs/metrics.md as Markdown."""
    return "\n".join([_INTRO, *(_section(name, says) for name, says in _groups().items())])


def _groups() -> dict[str, str]:
    """The tables' names in `metrics`, each with the docstring below it, which only the source holds."""
    body = ast.parse(inspect.getsource(metrics)).body
    pairs = [(node.target, below) for node, below in pairwise(body) if isinstance(node, ast.AnnAssign) and isinstance(below, ast.Expr)]
    return {target.id: ast.literal_eval(below.value) for target, below in pairs if isinstance(target, ast.Name) and "_METRICS" in target.id}


def _section(name: str, says: str) -> str:
    rows: tuple[Metric, ...] = getattr(metrics, name)
    head = [f"## {name.replace('_', ' ').capitalize()}", "", re.sub(r"docs/(\w+\.md)", r"[\1](\1)", says), ""]
    return "\n".join([*head, "| name | unit | better | meaning |", "|---|---|---|---|", *map(_row, rows), ""])


def _row(metric: Metric) -> str:
    return f"| `{metric.name}` | {_plain(metric.unit)} | {metric.better} | {_plain(metric.meaning)} |"


def _plain(text: str) -> str:
    """What Markdown would take for a cell's end, a tag or emphasis stands for itself."""
    return re.sub(r"([\\|<*])", r"\\\1", text)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
