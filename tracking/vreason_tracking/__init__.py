"""The record: what was run, on what, and what came out, in MLflow.

    with vreason_tracking.record("my-loop", method=method, model=model, processor=processor) as run:
        ...

`record` is for a loop of your own (docs/own-loop.md); the command line's runs go through `vreason_tracking.running`.
"""

import logging

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

logging.getLogger(__name__).addHandler(logging.NullHandler())
