"""The configuration of a run. `loading` reads a file; `sections` has the fields, `variants` the methods, `rules` what fields mean
together.
"""

from vreason_tracking.settings.loading import RunSettings, Variant, load_settings, parse_settings

__all__ = ["RunSettings", "Variant", "load_settings", "parse_settings"]
