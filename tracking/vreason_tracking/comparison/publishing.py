"""The comparison in MLflow: a run of its own beside those compared, with every output, the pictures, and a table for its views."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from vreason.clock import unix_ms
from vreason_tracking.audit import enter
from vreason_tracking.catalog import translate_store_errors
from vreason_tracking.comparison.comparison import Comparison
from vreason_tracking.comparison.export.documents import figure_rows
from vreason_tracking.comparison.export.page_sections import opening, title_of
from vreason_tracking.comparison.report import Report
from vreason_tracking.comparison.tables.verdicts import verdicts
from vreason_tracking.journal import journal_folder
from vreason_tracking.presentation import escaped, picture_file
from vreason_tracking.records import (
    COMPARED_BASELINE_TAG,
    COMPARED_RUNS_TAG,
    COMPARISON_KIND,
    COMPARISON_TAG,
    CREATED_BY_TAG,
    DESCRIPTION_TAG,
    KIND_TAG,
    TABLES_TAG,
    USER_TAG,
    WARNINGS_TAG,
    user_name,
)
from vreason_tracking.stores import MlflowStore

TABLE = "comparison_table.json"
_COLUMNS = (
    *("run", "metric", "statistic", "how", "value", "low", "high", "unit", "questions", "videos", "baseline"),
    *("group", "grouping", "run_id", "warning"),
)


def publish(report: Report, outputs: Mapping[str, str], store: MlflowStore, journal: Path | None = None) -> str:
    """Log the report into the experiment of the baseline; the same runs compared again are the same run there. Returns its id.

    Args:
        report: with its pictures.
        outputs: texts by file name, such as "comparison.html".
        store: where the baseline is.
        journal: the journal whose audit trail is told; None takes the default one.

    Raises:
        TrackingError: the store cannot be used.
    """
    comparison = report.comparison
    key = _key(comparison)
    experiment = comparison.runs[comparison.baseline].experiment_id
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in outputs.items()}
    compared = [run.name for run in comparison.runs]
    enter(journal or journal_folder(None), "report.made", user_name(), f"comparison:{key}", details={"runs": compared, "sha256": digests})
    with translate_store_errors(store):
        found = store.all_runs(f"tags.`{COMPARISON_TAG}` = '{key}'", "attributes.start_time ASC", experiment)
        tags = _tags(comparison, key)
        name = f"comparison: {title_of(comparison)}"
        run_id = str(found[0].info.run_id if found else store.start_run(name, tags, None, unix_ms(), experiment))
        try:
            _log(report, outputs, tags, run_id, store)
            store.rename_run(run_id, name)  # a run may have had another name when it was compared before, as before it was delivered
        except BaseException:
            with suppress(Exception):  # what it failed of matters more
                store.end_run(run_id, "FAILED")
            raise
    return run_id


def _log(report: Report, outputs: Mapping[str, str], tags: Mapping[str, str], run_id: str, store: MlflowStore) -> None:
    """What the run holds, anew."""
    with tempfile.TemporaryDirectory(prefix="vreason-compare-") as folder:
        place = Path(folder)
        for name, text in outputs.items():
            (place / name).write_text(text, encoding="utf-8")
        (place / TABLE).write_text(_table(report.comparison), encoding="utf-8")
        store.log_files(run_id, sorted(place.iterdir()))
        (place / "figures").mkdir()
        for figure in report.figures:
            picture = picture_file(figure.svg, warning_of(report.comparison), report.comparison.warnings)
            (place / "figures" / f"{figure.name}.svg").write_text(picture, encoding="utf-8")
        store.log_files(run_id, sorted((place / "figures").iterdir()), "figures")
    store.log(run_id, tags={**tags, TABLES_TAG: json.dumps([{"path": TABLE, "type": "table"}])})
    store.end_run(run_id, "FINISHED")


def _key(comparison: Comparison) -> str:
    """Digest of which runs are compared with which baseline; the same in any order, and before and after a run is delivered."""
    runs = [run.journal_id or run.run_id for run in comparison.runs]
    return hashlib.sha256(json.dumps([sorted(runs), runs[comparison.baseline]]).encode()).hexdigest()[:16]


def _tags(comparison: Comparison, key: str) -> dict[str, str]:
    told = [*(f"**WARNING** {escaped(each)}" for each in comparison.warnings), *map(escaped, (opening(comparison), *verdicts(comparison)))]
    return {
        KIND_TAG: COMPARISON_KIND,
        COMPARISON_TAG: key,
        COMPARED_RUNS_TAG: " ".join(run.run_id for run in comparison.runs),
        COMPARED_BASELINE_TAG: comparison.runs[comparison.baseline].run_id,
        WARNINGS_TAG: "\n".join(comparison.warnings) or "none",
        USER_TAG: user_name(),
        CREATED_BY_TAG: user_name(),
        DESCRIPTION_TAG: "\n\n".join(told),
    }


def warning_of(comparison: Comparison) -> str:
    """In what the runs of a forced comparison are not alike, on one line; "" where they are."""
    differing = "; ".join(each.what for each in comparison.unlike)
    return f"WARNING: unlike runs, compared with --force: {differing}" if differing else ""


def _table(comparison: Comparison) -> str:
    """The figures of all questions and of every benchmark as MLflow's table artifact, a row each; a forced comparison says so in each."""
    said = {"warning": warning_of(comparison)}
    data = [[{**row, **said}.get(name) for name in _COLUMNS] for row in figure_rows(comparison) if row["grouping"] in ("all", "benchmark")]
    return json.dumps({"columns": _COLUMNS, "data": data}, ensure_ascii=False, allow_nan=False)
