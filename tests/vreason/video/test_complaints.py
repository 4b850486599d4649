"""vreason.video.complaints: what is heard of FFmpeg, in a process of its own, whose error stream it takes."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import os
from vreason.video.complaints import ErrorStream
heard = ErrorStream()
for text, then in (("one ", heard.keep), ("two ", heard.drop), ("three", lambda: None)):
    os.write(2, text.encode())
    then()
print(heard.take() + "|" + heard.take())
"""


def test_what_is_kept_cannot_be_dropped() -> None:
    """Dropping forgets what came since the last keeping; taking gives the rest, once."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True)
    assert "one three|" == done.stdout.strip()
