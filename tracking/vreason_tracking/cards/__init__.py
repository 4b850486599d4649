"""Model cards that are derived from the record: every figure with the run, the files and the questions that it rests on."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
