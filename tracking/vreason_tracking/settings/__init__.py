"""The configuration of a run. `loading` reads a file; `sections` has the fields that only a run has, `variants` the methods, `rules` what
fields mean together. The sections `model` and `video` are `vreason.models.ModelSpec` and `vreason.video.VideoConfig`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
