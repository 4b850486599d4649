from .application import PREFIX as PREFIX, FilterText as FilterText, NotFoundError as NotFoundError, make_application as make_application
from .headers import POLICY as POLICY, REPORT_POLICY as REPORT_POLICY
from .kept import Kept as Kept
from .rendering import Renderer as Renderer, moment as moment, share as share, span as span, stamp as stamp
from .validators import tagged as tagged
