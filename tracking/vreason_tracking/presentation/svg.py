"""Matplotlib's SVG made fit to stand in a page beside others: no id twice, no style of its own for the whole page, small."""

from __future__ import annotations

import re
from xml.etree import ElementTree

_NAMESPACE = "http://www.w3.org/2000/svg"
_XLINK = "{http://www.w3.org/1999/xlink}href"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_LONG = re.compile(r"-?\d+\.\d{3,}")
_FONT, _FONTS = "'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif"  # letters are measured with the first; Verdana is as wide
_PIXELS_PER_POINT = 1.4  # at most: the widest a picture is shown, so that letters keep the size of the page's text


def page_svg(text: str, name: str, title: str) -> str:
    """One ``<svg>`` element that scales with its column.

    Args:
        text: a document as matplotlib writes it, letters as text.
        name: of the picture, before each of its ids.
        title: what a screen reader says.
    """
    root = ElementTree.fromstring(text)
    ids = {old: f"{name}-{number}" for number, old in enumerate(sorted(_referenced(root)))}
    for parent in list(root.iter()):
        for child in [each for each in parent if _local(each) in ("style", "metadata")]:
            parent.remove(child)
    for element in root.iter():
        _tidy(element, ids)
    width = float(root.attrib["viewBox"].split()[2])
    own = {"xmlns": _NAMESPACE, "viewBox": root.attrib["viewBox"], "width": "100%", "role": "img", "aria-label": title}
    own["style"] = f"max-width:{width * _PIXELS_PER_POINT:.0f}px;height:auto;stroke-linejoin:round;stroke-linecap:butt"
    root.attrib.clear()
    root.attrib.update(own)
    return ElementTree.tostring(root, encoding="unicode")


def _referenced(root: ElementTree.Element) -> set[str]:
    found: set[str] = set()
    for element in root.iter():
        for key, value in element.attrib.items():
            found.update(_REFERENCE.findall(value))
            if key.endswith("href") and value.startswith("#"):
                found.add(value[1:])
    return found


def _tidy(element: ElementTree.Element, ids: dict[str, str]) -> None:
    """Ids that somebody points to get the picture's name, others go; numbers of a path keep two digits, a 50th of a point."""
    element.tag = _local(element)
    attributes = dict(element.attrib)
    element.attrib.clear()
    for key, value in attributes.items():
        if key == "id" and value not in ids:
            continue
        if key in _REWRITTEN:
            value = _REWRITTEN[key](value)
        elif key == "id":
            value = ids[value]
        elif key == _XLINK:
            key, value = "href", f"#{ids[value[1:]]}" if value.startswith("#") else value
        element.set(key, _REFERENCE.sub(lambda found: f"url(#{ids[found[1]]})", value))
    element.tail = None
    if element.tag != "text":
        element.text = None


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _shorter(path: str) -> str:
    return " ".join(_LONG.sub(lambda number: f"{float(number[0]):.2f}", path).split())


def _with_fonts(style: str) -> str:
    return style.replace(_FONT, _FONTS)


_REWRITTEN = {"d": _shorter, "style": _with_fonts}
