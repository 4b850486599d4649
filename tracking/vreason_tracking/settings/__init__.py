"""The configuration of a run. `loading` reads a file; `sections` has the fields, `variants` the methods, `rules` what fields mean
together.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
