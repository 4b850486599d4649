"""Bundles: a configured model and method as an MLflow model that answers questions, and its versions in the model registry."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
