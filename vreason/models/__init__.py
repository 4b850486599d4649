"""Model families: where the method finds the last decoder layer and the video tokens, one file each.

To add a family, write one file with a class that fulfils `ModelAdapter` and name it in `vreason.models.registry`.
"""

from vreason.models.adapter import ModelAdapter
from vreason.models.registry import adapter_for, supported_families

__all__ = ["ModelAdapter", "adapter_for", "supported_families"]
