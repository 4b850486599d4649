"""Answers requests that come one by one, side by side: what a server's worker works with."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
