"""A sample's way through the method: frames, prompt, reply, score, and what went wrong."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
