from .added_tables import load_table_functions as load_table_functions, with_added_tables as with_added_tables
from .comparison import Comparison as Comparison, compare as compare, side_by_side as side_by_side
from .drift import Drift as Drift, drift as drift, drift_table as drift_table, is_served as is_served
from .equivalence import MARGIN as MARGIN, Equivalence as Equivalence, equivalence as equivalence
from .export.documents import document as document, figure_rows as figure_rows, to_csv as to_csv, to_json as to_json
from .export.html_page import LARGEST as LARGEST
from .export.markdown_page import to_markdown as to_markdown
from .export.page_sections import opening as opening, tables_of as tables_of
from .groups import metadata_grouping as metadata_grouping
from .paper import protocol_departures as protocol_departures
from .publishing import publish as publish
from .report import Report as Report, make_report as make_report, require_compared as require_compared
from .run_effects import RunEffects as RunEffects, run_effects as run_effects
from .sample_flips import SampleFilter as SampleFilter, SampleList as SampleList, SampleRow as SampleRow, list_samples as list_samples
from .selection import config_runs as config_runs, experiment_runs as experiment_runs, named_runs as named_runs
from .tables.accuracy_tables import accuracy_by as accuracy_by, accuracy_table as accuracy_table
from .tables.context_tables import failure_table as failure_table, paper_table as paper_table
from .tables.cost_tables import cost_summary as cost_summary
from .tables.verdicts import FEW_RUNS as FEW_RUNS, in_short as in_short, verdicts as verdicts
