"""The equations of V-Reason, one concept a file. Source: "Video Reasoning without Training" (arXiv 2510.17045)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
