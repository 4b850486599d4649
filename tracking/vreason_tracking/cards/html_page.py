"""The card as one HTML file that needs nothing else: no network, no script."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from vreason_tracking.cards.entropy_curve import curve_colours, curve_svg
from vreason_tracking.cards.evidence import Evidence
from vreason_tracking.cards.plain_text import valid
from vreason_tracking.cards.readme import NOBODY
from vreason_tracking.cards.sections import DERIVED, ENTROPY, HAND_WRITTEN, sections
from vreason_tracking.presentation import DARK, LOOK

if TYPE_CHECKING:
    from jinja2 import Environment


def to_html(evidence: Evidence, notes: str = "") -> str:
    """The whole file; the same evidence and notes give the same bytes.

    Args:
        evidence: of the card.
        notes: that somebody has written by hand; shown as they are, and not as Markdown.
    """
    page = _templates().get_template("card.html.j2").render(**template_values(evidence, notes), look=LOOK + DARK)
    return valid(page)


def template_values(evidence: Evidence, notes: str) -> dict[str, Any]:
    """What `card_sections.html.j2` needs, which pages of other applications include as well."""
    from markupsafe import Markup

    return {
        "evidence": evidence,
        "sections": list(sections(evidence)),
        "notes": notes.strip() or NOBODY,
        "derived": DERIVED,
        "hand_written": HAND_WRITTEN,
        "entropy": ENTROPY,
        "picture": Markup(curve_svg(evidence.curves, evidence.baseline, ENTROPY)) if evidence.curves else "",
        "keys": curve_colours(evidence.curves, evidence.baseline),
    }


@cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("vreason_tracking.cards", "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
