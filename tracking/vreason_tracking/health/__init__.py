"""What `vreason-track doctor` looks at: `checks` has all of them, `mlflow_store_check` those of the tracking store, `plugin_check` those of
plug-ins, `check` what a check finds.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
