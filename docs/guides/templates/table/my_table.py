"""A table of one's own for `vreason-track compare`. The guide docs/guides/table.md explains every place."""

from __future__ import annotations

# PLACE 1: what your function needs
# END OF PLACE 1
from vreason_tracking.comparison import Comparison
from vreason_tracking.presentation import Table


def make_table(comparison: Comparison) -> Table:
    """The table, made of the figures of the runs that are compared."""
    # PLACE 2: heads and rows, every cell a text
    raise NotImplementedError("place 2 of the template is not filled in")
    # END OF PLACE 2
