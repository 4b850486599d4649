"""Runs beside each other: which is better, at what cost, and how sure that is. Only like is compared with like.

selection -> comparability -> paired_samples -> accuracy, costs, paper, caveats: a `comparison.Comparison`; with figures and sample_pages a
`report.Report`; tables and export show it, publishing logs it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
