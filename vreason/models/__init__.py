"""Model families: where the method finds the last decoder layer and the video tokens, one file each.

To add a family, write one file with a class that fulfils `ModelAdapter` and name it in `vreason.models.registry`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
