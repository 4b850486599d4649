"""What the packages log, shown or kept: nothing by default, on request on the error stream, and in a file
that all processes of a run append to.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
