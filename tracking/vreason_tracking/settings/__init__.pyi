from .fingerprint import WHOLE as WHOLE, differing_parts as differing_parts, fingerprint_of as fingerprint_of
from .loading import RunSettings as RunSettings, load_settings as load_settings, parse_settings as parse_settings
from .overrides import apply_overrides as apply_overrides
from .sections import TrackingSettings as TrackingSettings
from .variants import Variant as Variant
from .yaml_files import dump as dump
