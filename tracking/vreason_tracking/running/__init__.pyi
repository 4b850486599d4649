from .executor import LocalExecutor as LocalExecutor
from .inputs import evaluation_config as evaluation_config, load_samples as load_samples
from .manifests import served_manifest as served_manifest
from .own_loop import record as record
from .preflight import Finding as Finding, PreflightError as PreflightError, preflight as preflight
from .recorder import RunRecorder as RunRecorder
from .results import VariantResult as VariantResult
from .runner import Experiment as Experiment, run_experiment as run_experiment
from .units import UnitEvent as UnitEvent, plan_units as plan_units
