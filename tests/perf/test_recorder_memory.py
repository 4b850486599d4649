"""perf/recorder_memory.py: both of its processes come to their end."""

from __future__ import annotations

import subprocess
import sys


def test_recording_and_delivering(perf_folder):
    """With as few samples as it has looks, each part tells of its points, and no point is lost on the way."""
    command = [sys.executable, str(perf_folder / "recorder_memory.py"), "--points", "100000"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert 0 == done.returncode, done.stderr
    assert ["record: 100,000 points", "deliver: 100,000 points"] == [
        line.split(" in ")[0] for line in done.stdout.splitlines() if line.startswith(("record:", "deliver:"))
    ]
