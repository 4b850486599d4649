"""vreason_tracking.presentation.svg: an SVG that can stand in a page."""

from __future__ import annotations

from xml.etree import ElementTree

from vreason_tracking.presentation.svg import page_svg

DOCUMENT = """<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="72pt" height="36pt" viewBox="0 0 72 36">
 <metadata><a/></metadata>
 <defs><style type="text/css">*{stroke-linejoin: round}</style></defs>
 <g id="figure_1"><defs><path id="mark" d="M 0.123456 1 &#10;L -7.987654 2.5 &#10;z"/><clipPath id="clip"/></defs>
 <g clip-path="url(#clip)"><use xlink:href="#mark" x="1"/></g>
 <text id="text_1" style="font-family: 'DejaVu Sans'">a id="mark" &lt;b&gt; url(#clip)</text></g>
</svg>"""


def tidied(name: str = "entropy") -> ElementTree.Element:
    return ElementTree.fromstring(page_svg(DOCUMENT, name, "a <title>"))


def found(root: ElementTree.Element, tag: str) -> ElementTree.Element:
    return next(each for each in root.iter() if each.tag.endswith(tag))


def test_starts_with_the_element() -> None:
    """No declaration and no document type: both are wrong within a page."""
    assert page_svg(DOCUMENT, "entropy", "t").startswith("<svg ")


def test_scales_with_its_column() -> None:
    """The view box stays, the size goes; letters grow to the page's size at most."""
    root = tidied()
    assert ("0 0 72 36", "100%", None) == (root.get("viewBox"), root.get("width"), root.get("height"))
    assert "max-width:101px" in root.attrib["style"]


def test_has_a_title_for_screen_readers() -> None:
    """A picture says what it shows to who cannot see it."""
    assert ("img", "a <title>") == (tidied().get("role"), tidied().get("aria-label"))


def test_ids_are_the_pictures_own() -> None:
    """Those that are pointed to carry its name, and what points to them follows; others are gone."""
    root = tidied()
    assert {"entropy-0", "entropy-1"} == {each.attrib["id"] for each in root.iter() if "id" in each.attrib}
    assert f"#{found(root, 'path').attrib['id']}" == found(root, "use").get("href")
    clipped = next(each.attrib["clip-path"] for each in root.iter() if "clip-path" in each.attrib)
    assert f"url(#{found(root, 'clipPath').attrib['id']})" == clipped


def test_texts_stay_as_they_are() -> None:
    """A name that looks like an id or a reference is only a name."""
    assert 'a id="mark" <b> url(#clip)' == found(tidied(), "text").text


def test_no_style_for_the_whole_page() -> None:
    """A `*` rule would be the page's."""
    assert {"style", "metadata"}.isdisjoint(each.tag.rpartition("}")[2] for each in tidied().iter())


def test_paths_keep_two_digits() -> None:
    """Coordinates are written with two digits, so that pictures stay small."""
    assert "M 0.12 1 L -7.99 2.5 z" == found(tidied(), "path").get("d")


def test_letters_have_a_fallback() -> None:
    """Text names fonts to fall back on."""
    assert "font-family: 'DejaVu Sans', Verdana, sans-serif" == found(tidied(), "text").get("style")
