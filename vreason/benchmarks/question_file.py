"""Samples from a user's data file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vreason.benchmarks.file_rows import read_rows
from vreason.benchmarks.question_rows import row_issues, sample_of_row
from vreason.benchmarks.sample import Sample
from vreason.errors import DataError

_SHOWN = 20  # printed; the rest is counted
_ENDINGS = (".gz", ".jsonl", ".json", ".csv", ".tsv", ".parquet")


class JsonBenchmark:
    """A data file of rows with `video`, `question`, `answer` and, as needed, `id`, `options`, `problem_type`, `category`, `benchmark` (the
    one that the question belongs to; default: the file's name without its endings); or in the layout of Video-R1's files.

    JSON (a list, or an object that keeps one), JSON lines, CSV and TSV with a head, Parquet; each packed with gzip or not. Further columns
    are kept with the sample (`Sample.metadata`). See docs/data.md.

    Args:
        path: the file.
        video_root: folder that relative video paths start from; default: the file's own folder.
    """

    def __init__(self, path: str | Path, video_root: str | Path | None = None) -> None:
        self.path = Path(path)
        self.name = self.path.name
        while self.name.lower().endswith(_ENDINGS):
            self.name = self.name.rpartition(".")[0]
        self.video_root = Path(video_root) if video_root is not None else self.path.parent

    def samples(self) -> Sequence[Sample]:
        """Read and check every row.

        Raises:
            DataError: the file cannot be read, or rows are wrong: all of them named, each with what is wrong.
        """
        issues: list[str] = []
        samples = []
        seen: dict[str, str] = {}
        for number, row in enumerate(read_rows(self.path)):
            wrong = [row.fault] if row.fault is not None else row_issues(row.values)
            if wrong:
                issues += [f"{row.place}: {issue}" for issue in wrong]
                continue
            sample = sample_of_row(row.values, number, self.name, self.video_root)
            if sample.sample_id in seen:
                issues.append(f"{row.place}: id {sample.sample_id!r} was given before ({seen[sample.sample_id]}); ids must differ")
            seen.setdefault(sample.sample_id, row.place)
            samples.append(sample)
        if issues:
            more = f"\n  ... and {len(issues) - _SHOWN} more" if len(issues) > _SHOWN else ""
            raise DataError(f"{self.path}: {len(issues)} issue(s)\n  " + "\n  ".join(issues[:_SHOWN]) + more)
        if not samples:
            raise DataError(f"{self.path}: holds no samples; give one JSON object a line, a JSON list of objects, or a table with a head")
        return samples
