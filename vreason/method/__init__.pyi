from . import value_cache as value_cache
from .pruning import prune as prune
from .steering import Steering as Steering
