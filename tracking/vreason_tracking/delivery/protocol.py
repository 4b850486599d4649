"""What the delivering process and the run's side of it have to agree on, beside the lines that they exchange (see `worker`)."""

from __future__ import annotations

from vreason.errors import TrackingError

REFUSED = TrackingError.exit_code
"""Exit code of the process when the store refuses for good: another process would fare no better."""
