"""What pages share, be they the team server's or the card service's: layout, errors, headers, and what is kept for a moment."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
