"""Carries a run's journal to MLflow. The decoding loop never waits for any of it.

checkpoint.py    what has been delivered: the marks beside the journal
mlflow_points.py a finished sample as MLflow's points and tags
run_delivery.py  one run into one store, a piece at a time; sending twice changes nothing
finalize.py      what is written when a run has ended: summary, curves, tables, plots
backoff.py       how long to wait for a store that is away
scheduler.py     several runs, each at its own pace; a store that is away, a run that is refused
worker.py        the process that does it beside a run
background.py    that process, seen from the run
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
