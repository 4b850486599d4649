"""New versions as an Atom feed (RFC 4287): one entry a card, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from vreason_tracking.cards.service.index import CardEntry
from vreason_tracking.presentation import plain

ENTRIES = 50
_ATOM = "http://www.w3.org/2005/Atom"
_URN = "urn:vreason:"  # whatever the server is called, an entry stays the same
_NEVER = "1970-01-01T00:00:00Z"


def atom_feed(entries: Sequence[CardEntry], origin: str) -> bytes:
    """The feed's document.

    Args:
        entries: the newest first; `ENTRIES` of them are told of.
        origin: of the server, such as "https://team.example".
    """
    feed = Element("feed", xmlns=_ATOM)
    shown = entries[:ENTRIES]
    _add(feed, "title", "Model cards")
    _add(feed, "id", f"{_URN}cards")
    _add(feed, "updated", shown[0].created if shown else _NEVER)
    SubElement(feed, "link", rel="self", href=f"{origin}/vreason/cards.atom")
    SubElement(feed, "link", rel="alternate", href=f"{origin}/vreason/cards")
    for each in shown:
        entry = SubElement(feed, "entry")
        _add(entry, "title", each.label)
        _add(entry, "id", f"{_URN}{each.address.removeprefix('/vreason/')}")
        _add(entry, "updated", each.created)
        SubElement(entry, "link", rel="alternate", href=f"{origin}{each.address}")
        _add(SubElement(entry, "author"), "name", each.created_by or "unknown")
        _add(entry, "summary", each.summary.finding)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(feed, encoding="unicode")}'.encode()


def _add(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = plain(text)
