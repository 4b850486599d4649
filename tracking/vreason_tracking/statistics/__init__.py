"""Intervals and tests for questions that share videos: cluster-robust, paired, and adjusted for how many were made."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
