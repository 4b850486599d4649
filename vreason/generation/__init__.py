"""The decoding loop: what happens at each generated token, and the record of it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
