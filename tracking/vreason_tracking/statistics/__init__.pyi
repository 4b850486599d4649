from . import estimates as estimates, significance as significance
from .estimates import Codes as Codes, Estimate as Estimate, codes_of as codes_of, compact as compact
from .quantiles import quantile as quantile, ratio_of_rates as ratio_of_rates
from .significance import smallest_p as smallest_p
