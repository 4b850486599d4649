"""From settings to finished runs: what is to be done, the work itself, and its results."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
