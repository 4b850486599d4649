"""vreason_tracking.settings.issues: plain words for wrong fields."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from vreason.errors import ConfigError
from vreason.models.spec import ModelSpec
from vreason_tracking.settings import RunSettings, parse_settings
from vreason_tracking.settings.issues import is_name, section_fields, setting_paths
from vreason_tracking.settings.sections import PromptSettings
from vreason_tracking.settings.yaml_files import dump

ONE = {"name": "x", "variants": [{"name": "a"}]}


def message(path: str, value: object) -> str:
    """The one fault of a configuration with `value` at a path of at most three keys."""
    keys = path.split(".")
    inner = value
    for key in reversed(keys[1:]):
        inner = {key: inner}
    with pytest.raises(ConfigError) as caught:
        parse_settings(dump({**ONE, keys[0]: inner}))
    assert [path] == [fault.path for fault in caught.value.issues]
    return caught.value.issues[0].message


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("name", "", "'' is not printable text on one line, not blank"),
        ("name", "a\nb", "'a\\nb' is not printable text on one line, not blank"),
        ("name", 7, "7 is not printable text on one line, not blank; put it in quotes"),
        ("prompt.file", 1234567, "1234567 is not text or null; put it in quotes"),
        ("model.dtype", "bfloat", "'bfloat' is not one of auto, float32, bfloat16, float16; did you mean bfloat16?"),
        ("model.device", "gpu", "'gpu' is not one of auto, cpu, mps, cuda, or cuda:N with N a number"),
        ("model.attention", None, "null is not one of sdpa, eager, flash_attention_2"),
        ("data.limit", 0, "0 is not a whole number of at least 1 or null"),
        ("data.limit", 2.5, "2.5 is not a whole number of at least 1 or null"),
        ("data.scoring", ["robust"], "['robust'] is not robust, video-r1, or a function written module:function"),
        ("schedule", "interleave", "'interleave' is not one of interleaved, sequential; did you mean interleaved?"),
        ("schedule", None, "null is not one of interleaved, sequential"),
        ("listeners", "json:loads", "'json:loads' is not a list of names, each of an installed listener or written module:Class"),
        ("listeners", {"a": 1}, "{'a': 1} is not a list of names, each of an installed listener or written module:Class"),
        ("listeners", [3], "[3] is not a list of names, each of an installed listener or written module:Class"),
        ("generation.do_sample", "yes", "'yes' is not true or false"),
        ("generation.max_new_tokens", "96", "'96' is not a whole number of at least 1"),
        ("generation.max_new_tokens", True, "true is not a whole number of at least 1"),
        ("generation.repetition_penalty", 0.0, "0.0 is not a number above 0"),
        ("generation.repetition_penalty", float("nan"), "nan is not a number above 0"),
        ("video.timeout", True, "true is not a number of at least 0.001 and at most 86400"),
        ("seed", 2**32, "4294967296 is not a whole number of at least 0 and at most 4294967295"),
        ("tracking", 3, "3 is not a mapping with any of uri, experiment, mode, journal, disk_retry_timeout"),
        ("prompt.suffixes", [], "[] is not a mapping with any of multiple choice, numerical, regression, OCR, free-form"),
        ("prompt.suffixes.OCR", 3, "3 is not text or null; put it in quotes"),
        ("prompt.suffixes.ocr", "x", "unknown key; did you mean OCR?"),
        ("batch-size", 3, "unknown key; did you mean batch_size?"),
        ("listener", ["a"], "unknown key; did you mean listeners?"),
        ("temperature", 0.1, "unknown key; did you mean generation.temperature?"),
        ("matrx", {}, "unknown key; did you mean matrix?"),
        ("fps", 2, "unknown key; did you mean video.fps?"),
        ("video.temperature", 0.1, "unknown key; did you mean generation.temperature?"),
        ("generation.nframes", 8, "unknown key; did you mean video.nframes?"),
        ("video.max_pixel", 8, "unknown key; did you mean max_pixels?"),
        ("model", "demo", "'demo' is not a mapping with any of id, revision, dtype, device, attention"),
        ("model.id", 7, "7 is not a Hub id, a folder, or demo; put it in quotes"),
        ("tracking.zzz", 1, "unknown key; known are uri, experiment, mode, journal, disk_retry_timeout"),
    ],
)
def test_fault_in_plain_words(path, value, expected):
    """A wrong field is reported under its dotted path with its value, what is allowed, and the nearest right word."""
    assert expected == message(path, value)


_PATHS = list(setting_paths(RunSettings))
_FIELDS = [path for path in _PATHS if path != "variants" and not any(other.startswith(f"{path}.") for other in _PATHS)]
_anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(_FIELDS), _anything, min_size=1, max_size=6))
@settings(max_examples=300, deadline=None)
def test_no_value_brings_anything_but_config_errors_in_our_words(values):
    """Any value in any field is accepted or reported by path, never with pydantic's wording and never as another exception."""
    data: dict = dict(ONE)
    for path, value in values.items():
        section, _, key = path.rpartition(".")
        (data.setdefault(section, {}) if section else data)[key] = value
    try:
        run = parse_settings(dump(data))
    except ConfigError as error:
        refusal = error
    else:
        assert run == parse_settings(run.to_yaml())
        return
    assert {fault.path.split(".")[0] for fault in refusal.issues} <= set(RunSettings.model_fields)
    assert not any(word in str(refusal) for word in ("Input should", "Value error", "type=", "pydantic"))


def test_setting_paths_are_those_of_every_section():
    """Sections and their fields, those of the method's own dataclasses among them; a section's own name too."""
    paths = list(setting_paths(RunSettings))
    assert {"name", "model", "model.device", "video", "video.nframes", "generation.top_p", "tracking.uri"} <= set(paths)
    assert len(paths) == len(set(paths))


def test_section_fields_are_those_of_either_kind_of_section():
    """A dataclass and a pydantic model have fields, any other type has none."""
    assert ["id", "revision", "dtype", "device", "attention"] == section_fields(ModelSpec)
    assert ["template", "file", "suffixes"] == section_fields(PromptSettings)
    assert [] == section_fields(int) == section_fields(int | None)


@pytest.mark.parametrize("value", ["", " ", "a\tb", "a\n", "\ud800", 3, None])
def test_names_that_are_none(value):
    """Blank, many-line, unprintable and non-text values name nothing."""
    assert not is_name(value)
