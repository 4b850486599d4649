from . import formatting as formatting
from .canvas import (
    GREY as GREY,
    PALE as PALE,
    intervals as intervals,
    legend as legend,
    panels as panels,
    panels_height as panels_height,
    render_svg as render_svg,
    unit_axis as unit_axis,
    whole_axis as whole_axis,
)
from .entropy_plot import COLOURS as COLOURS, draw_entropy as draw_entropy
from .figure import Figure as Figure
from .formatting import (
    NONE as NONE,
    amount as amount,
    count as count,
    p_value as p_value,
    percent as percent,
    percent_interval as percent_interval,
    points as points,
    points_interval as points_interval,
    ratio as ratio,
    ratio_interval as ratio_interval,
)
from .labels import place_labels as place_labels
from .look import DARK as DARK, LOOK as LOOK
from .markdown import escaped as escaped, markdown_table as markdown_table
from .run_styles import (
    BASELINE as BASELINE,
    OVERLAID as OVERLAID,
    LineStyle as LineStyle,
    looks as looks,
    plain as plain,
    short_names as short_names,
    shortened as shortened,
)
from .standalone_svg import picture_file as picture_file
from .table import Table as Table, slug as slug
