"""Recorded runs as they are listed, shown, delivered on request and deleted: the journal's and the store's as one."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
