"""The team's server: MLflow's own (pages, REST, artifacts), each of whose changing requests is entered into an audit trail.

app.py          MLflow's application with the audit trail around its routes (entry point `mlflow.app`, name `vreason`)
middleware.py   an intent before a request, what came of it afterwards; a request that cannot be entered is refused
routes.py       which requests only read, and what the others are called
requests.py     what a request is about, read as MLflow reads it
appender.py     entries of many requests in one transaction
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
