from . import value_cache as value_cache
from .objectives import Objective as Objective, make_objective as make_objective
from .pruning import prune as prune
from .steering import Steering as Steering
