from .check import Check as Check, described as described
from .checks import run_checks as run_checks
from .mlflow_store_check import store_checks as store_checks
from .place_check import place_checks as place_checks, store_folder as store_folder
