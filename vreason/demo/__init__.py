"""The embedded default: a world of moving shapes and a small Qwen2.5-VL trained on it.

It exists so that the whole product runs where no weights can be downloaded. It is honest about being one: see README.md beside
the weights.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
