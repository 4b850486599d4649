from .check import Check as Check
from .checks import checks as checks
