from .analysis import ComparedRuns as ComparedRuns, LoadedRun as LoadedRun, Steps as Steps, compare as compare, load_run as load_run
from .running import record as record
