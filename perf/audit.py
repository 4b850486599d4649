"""What the audit trail costs: appending to a small and to a large log in turn, a proof, and verifying an export of the large one.

    python perf/audit.py                        # SQLite, a million entries

Prints the time of an append at each size, their ratio, the time of proofs and of `audit verify`.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from vreason_tracking.audit import (
    AuditDatabase,
    AuditLog,
    NewEntry,
    SigningKey,
    export_to,
    leaf_hash,
    local_uri,
    read_checkpoint,
    verify_export,
    verify_inclusion,
)

BATCH = 5_000


def entries(count: int, begin: int = 0) -> list[NewEntry]:
    """Entries as requests to a server make them."""
    return [
        NewEntry("mlflow.runs.log-batch", f"user-{number % 7}", f"run:{number:032x}", "10.0.0.9", details={"body_sha256": f"{number:064x}"})
        for number in range(begin, begin + count)
    ]


def filled(uri: str, size: int) -> AuditLog:
    """A log with so many entries."""
    database = AuditDatabase(uri, pooled=True)
    database.create()
    log = AuditLog(database)
    for begin in range(0, size, BATCH):
        log.append(entries(min(BATCH, size - begin), begin))
    return log


def milliseconds(work: Callable[[], object]) -> float:
    """How long something takes."""
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


def percentile_95(values: list[float]) -> float:
    """Of a hundred or more values."""
    return statistics.quantiles(values, n=20)[-1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", type=int, default=1_000_000, help="entries of the large log")
    parser.add_argument("--small", type=int, default=1_000, help="entries of the small one")
    parser.add_argument("--appends", type=int, default=1_000, help="appends to each, in turn")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vreason-audit-") as name:
        folder = Path(name)
        logs = {size: filled(local_uri(folder / f"{size}.db"), size) for size in (options.small, options.large)}
        times: dict[int, list[float]] = {size: [] for size in logs}
        for number in range(options.appends):
            for size in sorted(logs, reverse=number % 2 == 1):
                times[size].append(milliseconds(lambda log=logs[size]: log.append(entries(1))))  # type: ignore[misc]
        print(f"{platform.processor() or platform.machine()}, SQLite, {options.appends} appends to each log in turn")
        for size, values in times.items():
            print(f"append at {size:>9,} entries   median {statistics.median(values):.2f} ms   p95 {percentile_95(values):.2f} ms")
        small, large = (percentile_95(times[size]) for size in (options.small, options.large))
        print(f"p95 at {options.large:,} / at {options.small:,}: {large / small:.2f} (target at most 1.2)")
        log, key = logs[options.large], SigningKey.generate("perf")
        state = read_checkpoint(log.sign(key), key.public)
        proofs = [milliseconds(lambda index=index: log.inclusion(index, state.size)) for index in range(0, state.size, state.size // 200)]  # type: ignore[misc]
        print(
            f"proof of an entry            median {statistics.median(proofs):.2f} ms   p95 {percentile_95(proofs):.2f} ms (target below 50)"
        )
        verify_inclusion(leaf_hash(log.entry(7).to_bytes()), 7, state.size, log.inclusion(7, state.size), state.root)
        print(f"export                       {milliseconds(lambda: export_to(folder / 'export.jsonl', log, key)) / 1000:.1f} s")
        begin = time.perf_counter()
        found = verify_export(folder / "export.jsonl", key.public)
        assert found.intact, found.problem
        print(f"verify {found.entries:,} entries     {time.perf_counter() - begin:.1f} s (target below 60)")


if __name__ == "__main__":
    main()
