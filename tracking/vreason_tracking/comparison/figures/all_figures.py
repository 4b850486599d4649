"""All pictures of a comparison, in the order of the report."""

from __future__ import annotations

from collections.abc import Sequence

from vreason_tracking.comparison.comparison import Comparison
from vreason_tracking.comparison.figures import accuracy_cost, agreement, alpha, by_length, entropy, spread, sweep_figure
from vreason_tracking.presentation import Figure
from vreason_tracking.records import RunSteps


def figures(comparison: Comparison, steps: Sequence[RunSteps], sample_id: str | None) -> list[Figure]:
    """Draw what there is to draw; a picture without data is left out.

    Args:
        comparison: of the runs.
        steps: of each run, in their order; empty draws nothing of the steps.
        sample_id: the sample whose phases are shown; its steps are in `steps`. None shows none.
    """
    found = [
        entropy.draw(comparison, steps),
        alpha.draw(comparison, steps, sample_id) if sample_id is not None else None,
        *(accuracy_cost.draw(comparison, price) for price in accuracy_cost.PRICES),
        *(spread.draw(comparison, each) for each in spread.SPREADS),
        by_length.draw(comparison),
        *sweep_figure.draw(comparison),
        agreement.draw(comparison),
    ]
    return [figure for figure in found if figure is not None]
