"""A variant's summary as a table that MLflow's evaluation view sets beside those of other runs, as `mlflow.log_table` would log it.

Written here, not by `log_table`: that one appends to a table that is there, so a delivery that is repeated would double the rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from pathlib import Path

from vreason_tracking.records.metrics import SUMMARY_METRICS, metric_of

NAME = "summary_table.json"

_COLUMNS = ("figure", "value", "unit", "better", "meaning")


def write_summary_table(figures: Mapping[str, float], folder: Path) -> Path:
    """Write `summary_table.json`: one row a figure, in the order of `SUMMARY_METRICS`. The same figures always make the same bytes.

    Args:
        figures: summary metrics by name, see `RunSummary.metrics`.
        folder: where to.
    """
    rows = [(metric_of(name), name, value) for name, value in figures.items()]
    rows.sort(key=lambda row: (SUMMARY_METRICS.index(row[0]), row[1]))
    data = [[name, value if isfinite(value) else None, row.unit, row.better, row.meaning] for row, name, value in rows]
    file = folder / NAME
    file.write_text(json.dumps({"columns": _COLUMNS, "data": data}, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    return file


def listed(tag: str) -> str:
    """The tag `TABLES_TAG` with our table in it; `tag` is what the run has, empty for none. Tables that others logged stay listed."""
    tables = json.loads(tag or "[]")
    ours = {"path": NAME, "type": "table"}
    return json.dumps(tables if ours in tables else [*tables, ours])
