"""How long to wait before a store that is unavailable is asked again: twice as long each time, with jitter, so that many runs do not come
back at once.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

FIRST = 0.5  # seconds
LONGEST = 30.0


@dataclass
class Backoff:
    """Counts failures in a row.

    Attributes:
        first, longest: seconds: bounds of the wait before jitter.
        failures: in a row.
        draw: gives a number from 0 to 1.
    """

    first: float = FIRST
    longest: float = LONGEST
    failures: int = 0
    draw: random.Random = field(default_factory=random.Random, repr=False)

    def failed(self) -> float:
        """Count a failure; returns the seconds to wait now: from half to the whole of ``first * 2 ** failures``, at most `longest`."""
        whole = min(self.longest, self.first * 2.0 ** min(self.failures, 60))
        self.failures += 1
        return whole * (0.5 + 0.5 * self.draw.random())

    def worked(self) -> None:
        """The store answered: begin anew."""
        self.failures = 0
