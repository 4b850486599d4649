"""The code that MLflow keeps with a bundle and runs when it is loaded: nothing is pickled."""

from mlflow.models import set_model

from vreason_tracking.bundles.pyfunc_model import BundleModel

set_model(BundleModel())
