"""Runs beside each other: which is better, at what cost, and how sure that is. Only like is compared with like.

selection -> recorded_run -> sample_table -> likeness -> frame -> accuracy, costs, paper, cautions: a `comparison.Comparison`;
with curves, figures and sample_pages a `report.Report`; outputs tell it, publishing logs it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
