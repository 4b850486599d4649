"""A benchmark for vreason-track. The guide docs/guides/benchmark.md explains every place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vreason.benchmarks import Sample
from vreason.errors import DataError


class MyBenchmark:
    """Called with a config's `data.split` and `data.video_root`, each a text, or None where the config has none."""

    # PLACE 3: the name under which its questions are recorded and reported, its splits, and the split that is asked by default
    name = "My benchmark"
    splits = ("test",)
    # END OF PLACE 3

    def __init__(self, split: str | None = None, video_root: str | None = None) -> None:
        self.split = split or self.splits[0]
        if self.split not in self.splits:
            raise DataError(f"{self.name}: there is no split {self.split!r}; set data.split to one of: {', '.join(self.splits)}")
        if video_root is None:
            raise DataError(f"{self.name}: set data.video_root to the folder that holds its files")
        self.folder = Path(video_root)

    def samples(self) -> list[Sample]:
        """Every question, in an order that never changes."""
        file = self.file()
        try:
            rows = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"{file}: cannot be read as JSON ({error}); check data.video_root") from error
        return [self.sample(number, row) for number, row in enumerate(rows)]

    def file(self) -> Path:
        """Where the questions of `self.split` are."""
        # PLACE 4: the file
        raise NotImplementedError("place 4 of the template is not filled in")
        # END OF PLACE 4

    def sample(self, number: int, row: dict[str, Any]) -> Sample:
        """One row of the file as a question."""
        # PLACE 5: the fields
        raise NotImplementedError("place 5 of the template is not filled in")
        # END OF PLACE 5
