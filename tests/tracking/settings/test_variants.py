"""vreason_tracking.settings.variants: presets, fields given, and the matrix."""

from __future__ import annotations

import sys

import pytest

from vreason.config import PRESETS, ControllerConfig, PruningConfig, VReasonConfig
from vreason.plugins import OBJECTIVES
from vreason_tracking.settings.variants import METHOD_FIELDS, chosen, expand
from vreason_tracking.settings.yaml_files import read_value

ABSENT = "there is no module 'absent_module'; install it, or start from the folder that holds it"


def made(listed: str, matrix: str = "null") -> dict[str, VReasonConfig]:
    """The variants of a faultless list, by name."""
    variants, faults = expand(read_value(listed), read_value(matrix))
    assert [] == faults
    return {variant.name: variant.method for variant in variants}


def wrong(listed: str, matrix: str = "null") -> list[str]:
    """The faults of a list and a matrix."""
    return [str(fault) for fault in expand(read_value(listed), read_value(matrix))[1]]


@pytest.mark.parametrize("preset", PRESETS)
def test_preset_alone_is_the_paper_s_variant(preset):
    """A preset without further fields is exactly that preset."""
    assert {"a": PRESETS[preset]} == made(f"[{{name: a, preset: {preset}}}]")


def test_without_a_preset_v_reason_is_the_start():
    """A variant without a preset, or with preset: null, starts from v-reason."""
    expected = VReasonConfig(ControllerConfig(k=8))
    assert {"a": expected, "b": PRESETS["v-reason"]} == made("[{name: a, controller: {k: 8}}, {name: b, preset: null}]")


def test_given_fields_override_the_preset():
    """Fields given replace the preset's, the others stay; a part switched on gets its defaults, null switches one off."""
    methods = made("""
- {name: a, preset: v-reason-lite, controller: {objective: min}, pruning: {ratio: 0.25}}
- {name: b, preset: baseline, controller: {k: 2, objective: none}}
- {name: c, preset: v-reason-lite, controller: null}
- {name: d, preset: v-reason-lite, pruning: null}
- {name: e, pruning: {}}
""")
    assert {
        "a": VReasonConfig(ControllerConfig(objective="min"), PruningConfig(ratio=0.25)),
        "b": VReasonConfig(ControllerConfig(k=2, objective="none")),
        "c": VReasonConfig(None, PruningConfig()),
        "d": VReasonConfig(),
        "e": VReasonConfig(pruning=PruningConfig()),
    } == methods


def test_matrix_is_a_product_over_the_variants_that_have_the_part():
    """Every combination of values for a variant with the part, in the file's order; a variant without it stays single."""
    listed = "[{name: baseline, preset: baseline}, {name: v-reason, preset: v-reason}]"
    methods = made(listed, "{controller.k: [2, 4], controller.lr: [3e-4, 5e-5]}")
    assert [
        "baseline",
        "v-reason k=2 lr=0.0003",
        "v-reason k=2 lr=5e-05",
        "v-reason k=4 lr=0.0003",
        "v-reason k=4 lr=5e-05",
    ] == list(methods)
    assert VReasonConfig(ControllerConfig(k=4, lr=5e-5)) == methods["v-reason k=4 lr=5e-05"]


def test_matrix_spreads_each_variant_over_its_own_parts_only():
    """A line about pruning does not multiply a variant without pruning."""
    methods = made("[{name: a}, {name: b, preset: v-reason-lite}]", "{controller.k: [2], pruning.ratio: [0.25, 0.5]}")
    assert ["a k=2", "b k=2 ratio=0.25", "b k=2 ratio=0.5"] == list(methods)


def test_objectives_of_others_are_variants_like_any(site_packages):
    """An installed one by its name, and one of the current folder as module:attribute, listed or in a matrix; neither is imported."""
    site_packages.install("vreason-calm", {OBJECTIVES: {"calm": "calm_pkg:Calm"}}, calm_pkg="raise RuntimeError")
    site_packages.work_in(my_objectives="raise RuntimeError")
    methods = made("[{name: a, controller: {objective: calm}}, {name: b}]", "{controller.objective: [switch, 'my_objectives:Mine']}")
    assert ["a objective=switch", "a objective=my_objectives:Mine", "b objective=switch", "b objective=my_objectives:Mine"] == list(methods)
    assert {"a": VReasonConfig(ControllerConfig(objective="calm"))} == made("[{name: a, controller: {objective: calm}}]")
    assert not {"calm_pkg", "my_objectives"} & set(sys.modules)
    assert ["variants.0.controller.objective: 'clam' is not one of switch, min, max, random, none, calm; did you mean calm?"] == wrong(
        "[{name: a, controller: {objective: clam}}]"
    )


def test_matrix_names_stay_apart_where_both_parts_have_the_field():
    """The two seeds are told apart by their full paths."""
    methods = made("[{name: a, preset: v-reason-lite}]", "{controller.seed: [1], pruning.seed: [2]}")
    assert ["a controller.seed=1 pruning.seed=2"] == list(methods)


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (
            "{a: 1}",
            ["variants: {'a': 1} is not a list of at least one variant; give a list, for example [{name: v-reason, preset: v-reason}]"],
        ),
        ("[3]", ["variants.0: 3 is not a mapping; give name and, as needed, preset, controller, pruning"]),
        ("[{preset: baseline}]", ["variants.0.name: is missing; give printable text on one line, not blank"]),
        ("[{name: 4}]", ["variants.0.name: 4 is not printable text on one line, not blank; put it in quotes"]),
        ("[{name: a, presets: b}]", ["variants.0.presets: unknown key; did you mean preset?"]),
        (
            "[{name: a, preset: baseline, controller: {k: 2}}]",
            ["variants.0.controller: a baseline is not steered; add objective: none to observe only, or take another preset"],
        ),
        ("[{name: a, preset: lite}]", ["variants.0.preset: 'lite' is not one of baseline, v-reason, v-reason-lite"]),
        ("[{name: a, preset: [1]}]", ["variants.0.preset: [1] is not one of baseline, v-reason, v-reason-lite"]),
        ("[{name: a, pruning: on}]", ["variants.0.pruning: 'on' is not a mapping with any of ratio, norm_of, scope, drop, seed, or null"]),
        (
            "[{name: a, pruning: {drop: low}}]",
            ["variants.0.pruning.drop: 'low' is not one of lowest, highest, random; did you mean lowest?"],
        ),
        ("[{name: a, controller: {norm: null}}]", ["variants.0.controller.norm: null is not one of head, token, tensor"]),
        ("[{name: a, controller: {objectiv: min}}]", ["variants.0.controller.objectiv: unknown key; did you mean objective?"]),
        (
            "[{name: a, controller: {objective: swich}}]",
            ["variants.0.controller.objective: 'swich' is not one of switch, min, max, random, none; did you mean switch?"],
        ),
        (
            "[{name: a, controller: {objective: 'absent_module:Mine'}}]",
            [f"variants.0.controller.objective: {ABSENT}"],
        ),
        ("[{name: a}, {name: a}]", ["variants.1.name: 'a' is the name of variants.0 too; names must differ"]),
        (
            "[{name: a, preset: bas, controller: {k: 0, lrr: 1}, pruning: {ratio: 2}}]",
            [
                "variants.0.preset: 'bas' is not one of baseline, v-reason, v-reason-lite",
                "variants.0.controller.lrr: unknown key; did you mean lr?",
                "variants.0.controller.k: 0 is not a whole number of at least 1",
                "variants.0.pruning.ratio: 2 is not a number of at least 0 and below 1",
            ],
        ),
    ],
)
def test_faults_of_the_list(listed, expected):
    """Every fault of a listed variant has its path, and all of them come at once."""
    assert expected == wrong(listed)


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ("[controller.k]", ["matrix: ['controller.k'] is not a mapping; give for example {controller.k: [2, 4]}"]),
        ("{controller.kk: [2]}", ["matrix.controller.kk: unknown key; did you mean controller.k?"]),
        ("{zzz: [2]}", [f"matrix.zzz: unknown key; known are {', '.join(METHOD_FIELDS)}"]),
        ("{controller.k: 2}", ["matrix.controller.k: 2 is not a list of at least one value; write [2]"]),
        ("{controller.k: []}", ["matrix.controller.k: [] is not a list of at least one value; fill it"]),
        (
            "{controller.k: [2, 0, x], pruning.ratio: [1.5]}",
            [
                "matrix.controller.k.1: 0 is not a whole number of at least 1",
                "matrix.controller.k.2: 'x' is not a whole number of at least 1",
                "matrix.pruning.ratio.0: 1.5 is not a number of at least 0 and below 1",
            ],
        ),
        (
            "{controller.objective: [min, mni, 'absent_module:Mine']}",
            [
                "matrix.controller.objective.1: 'mni' is not one of switch, min, max, random, none; did you mean min?",
                f"matrix.controller.objective.2: {ABSENT}",
            ],
        ),
        ("{controller.k: [2, 4, 2]}", ["matrix.controller.k.2: 2 is in the list twice; keep one"]),
        ("{pruning.ratio: [0.5]}", ["matrix.pruning.ratio: no listed variant has a pruning; add one that has, or leave this line out"]),
    ],
)
def test_faults_of_the_matrix(matrix, expected):
    """A wrong line of the matrix, or a wrong value in one, is reported once under its own path."""
    assert expected == wrong("[{name: a}, {name: b, preset: baseline}]", matrix)


def test_matrix_that_grows_too_large_is_refused_before_it_is_made():
    """A slip that makes millions of variants is a fault at once."""
    hundred = list(range(1, 101))
    matrix = {"controller.k": hundred, "controller.seed": hundred, "controller.weight_decay": hundred}
    variants, faults = expand([{"name": "a"}], matrix)
    assert ([], ["matrix: makes 1000000 variants; give fewer values, for at most 1000"]) == (variants, [str(fault) for fault in faults])


def test_matrix_is_checked_also_when_the_list_is_missing():
    """A missing list does not hide the matrix's faults."""
    faults = expand(None, {"controller.k": [0]})[1]
    assert ["variants", "matrix.controller.k.0"] == [fault.path for fault in faults]


def test_a_made_name_must_not_be_another_s():
    """A listed name that equals a name made by the matrix is a fault of the later one."""
    faults = wrong("[{name: a}, {name: a k=2, controller: null}]", "{controller.k: [2]}")
    assert ["variants.1.name: 'a k=2' is the name of variants.0 too; names must differ"] == faults


def test_chosen_by_made_and_by_listed_name():
    """A made name keeps that one, the listed name all that were made of it, no name keeps everything; the file's order stays."""
    variants, _ = expand([{"name": "a"}, {"name": "b", "preset": "baseline"}], {"controller.k": [2, 4]})
    assert ["a k=4", "b"] == [variant.name for variant in chosen(variants, ["b", "a k=4"])[0]]
    assert ["a k=2", "a k=4"] == [variant.name for variant in chosen(variants, ["a"])[0]]
    assert ["a k=2", "a k=4", "b"] == [variant.name for variant in chosen(variants, [])[0]]


def test_unknown_choice_is_answered_with_the_nearest_and_the_list():
    """Every unknown name is a fault; the known ones among them are kept."""
    variants, _ = expand([{"name": "v-reason"}, {"name": "baseline", "preset": "baseline"}], None)
    kept, faults = chosen(variants, ["baseline", "v-reson", "zzz"])
    assert ["baseline"] == [variant.name for variant in kept]
    assert [
        "--variant: 'v-reson' is not a variant of this configuration; did you mean v-reason? There are v-reason, baseline",
        "--variant: 'zzz' is not a variant of this configuration. There are v-reason, baseline",
    ] == [str(fault) for fault in faults]


def test_flattened_names_a_part_that_is_off():
    """A variant's flat form has every field of what is on, and "null" for what is off."""
    (variant,) = expand([{"name": "a", "controller": None, "preset": "v-reason-lite"}], None)[0]
    assert {
        "controller": "null",
        "pruning.ratio": 0.5,
        "pruning.norm_of": "value",
        "pruning.scope": "layer",
        "pruning.drop": "lowest",
        "pruning.seed": 0,
    } == variant.flattened()
