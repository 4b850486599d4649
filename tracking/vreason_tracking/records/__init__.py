"""The schema of the record and everything that is derived from it: metrics, summaries, curves, Parquet tables."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
