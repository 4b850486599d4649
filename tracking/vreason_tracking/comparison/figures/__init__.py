"""A comparison in pictures: inline SVG, each with the numbers behind it as a table. `all_figures.figures` draws them all."""

from vreason_tracking.comparison.figures.all_figures import figures
from vreason_tracking.presentation import Figure

__all__ = ["Figure", "figures"]
