"""The local record of a run: written first, fsynced, never changed afterwards. MLflow gets what lies here.

    location.py      which folder it is
    folder.py        one run's folder: manifest, fragments, lease
    manifest.py      what is known of a run before its first record
    lines.py         a record as a line with a checksum
    codec.py         events into records and back
    writer.py        the thread that appends and closes fragments
    reader.py        fragments back into events; the torn tail
    samples.py       events into finished samples, over all sessions of a run
    seal.py          how many fragments there were when a session ended
    lease.py         who owns a run
    dead_runs.py     closing runs whose process is gone
    verification.py  every record checked

What is on disk after a hard crash: docs/design/journal.md.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
