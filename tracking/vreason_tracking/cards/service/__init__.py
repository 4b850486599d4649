"""Cards as pages and as an API: a list that is searched, single cards, two beside each other, histories, badges and a feed."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
