"""Carries a run's journal to MLflow. The decoding loop never waits for any of it.

checkpoint.py     what has been delivered: the marks beside the journal
mlflow_points.py  a finished sample as MLflow's points and tags
variant_run.py    the run in MLflow: made, found again, replaced
run_delivery.py   one run into one store, a piece at a time; sending twice changes nothing
recorded_content.py  what MLflow has to hold, made from the journal alone
store_check.py    a run read back, and held against the journal
store_repair.py   puts right what the check found
finalize.py       what is written when a run has ended: summary, curves, tables, plots
call_plot.py      one plot of all variants of a call
backoff.py        how long to wait for a store that is unavailable
scheduler.py      several runs, each at its own pace; a store that is unavailable, a run that is rejected
silent_runs.py    runs of other machines that claim to be running and have gone silent
protocol.py       what the delivering process and the run's side of it agree on
worker.py         the process that delivers beside a run
background.py     that process, seen from the run
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
