"""Serving of bundles over HTTP: an OpenAI-compatible interface, MLflow's, health, and metrics."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
