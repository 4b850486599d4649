"""vreason_tracking.settings: the configuration of a run as a whole."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError, asdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from pydantic import ValidationError

from tests.helpers import old_records
from vreason.config import PRESETS
from vreason.errors import ConfigError
from vreason.models.spec import ModelSpec
from vreason.prompts import REASONING, SHORT
from vreason.video.config import VideoConfig
from vreason_tracking.settings import RunSettings, load_settings, parse_settings
from vreason_tracking.settings.yaml_files import dump, read_mapping

ONE = "name: x\nvariants: [{name: v-reason, preset: v-reason}]\n"

_name = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)
_text = st.text(min_size=1, max_size=12)
_whole = st.integers(1, 10**6)
_positive = st.floats(1e-3, 1e3)
_controller = st.fixed_dictionaries(
    {},
    optional={
        "objective": st.sampled_from(["switch", "min", "max", "random", "none", "json:loads"]),
        "k": _whole,
        "lr": st.floats(0, 1e300),
        "beta": st.floats(0, 1, exclude_max=True),
        "seed": st.integers(0, 2**62),
    },
)
_pruning = st.fixed_dictionaries({}, optional={"ratio": st.floats(0, 1, exclude_max=True), "drop": st.sampled_from(["lowest", "random"])})
_variant = st.fixed_dictionaries(
    {"name": _name},
    optional={"preset": st.sampled_from([*PRESETS]), "controller": st.none() | _controller, "pruning": st.none() | _pruning},
).filter(lambda variant: variant.get("preset") != "baseline" or variant.get("controller") is None)  # a baseline is not steered
_sampling = st.fixed_dictionaries(
    {"do_sample": st.just(True)},
    optional={"temperature": _positive, "top_p": st.floats(1e-9, 1), "top_k": _whole},
)
_suffixes = st.dictionaries(st.sampled_from(["OCR", "multiple choice", "free-form"]), st.none() | st.text())
_video = st.fixed_dictionaries({}, optional={"timeout": _positive, "max_pixels": st.integers(3136, 10**7)}) | st.builds(dict, fps=_positive)
_scoring = st.sampled_from(["robust", "video-r1", "json:loads"])
_demo = st.builds(dict, source=st.just("demo"), split=st.sampled_from(["test", "validation"]), scoring=_scoring)
_file = st.builds(dict, source=_name.map("{}.json".format), video_root=st.none() | _text)
_run = st.fixed_dictionaries(
    {"name": _name, "variants": st.lists(_variant, min_size=1, max_size=3, unique_by=lambda variant: variant["name"])},
    optional={
        "model": st.builds(dict, id=_name.filter(lambda name: name != "demo"), revision=st.none() | _text),
        "data": _demo | _file,
        "video": _video,
        "prompt": st.builds(dict, suffixes=_suffixes),
        "generation": _sampling,
        "seed": st.integers(0, 2**32 - 1),
        "schedule": st.sampled_from(["interleaved", "sequential"]),
        "listeners": st.none() | st.lists(st.sampled_from(["json:JSONDecoder", "collections:Counter"]), max_size=3),
        "tracking": st.builds(dict, uri=st.none() | _text, experiment=_name),
    },
)


def faults(text: str, **changes: object) -> dict[str, str]:
    """The faults of a configuration by path; fails when there are none."""
    with pytest.raises(ConfigError) as caught:
        parse_settings(text, "run.yaml", **changes)
    return {fault.path: fault.message for fault in caught.value.issues}


@given(_run)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_to_yaml_round_trips(run):
    """Whatever a configuration holds, the YAML written of it loads back to an equal object, and writes itself again."""
    first = parse_settings(dump(run))
    second = parse_settings(first.to_yaml())
    assert first == second
    assert first.to_yaml() == second.to_yaml()


@given(_run)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_flattened_holds_only_what_a_parameter_can_be(run):
    """Every value of the flat form is text, a number or a truth value, also where a setting is null."""
    flat = parse_settings(dump(run)).flattened()
    assert {type(value) for value in flat.values()} <= {str, int, float, bool}
    assert run["name"] == flat["name"]


def test_a_minimal_file_gets_every_default():
    """A name and one variant are enough; the demo model and the demo benchmark are the defaults."""
    run = parse_settings(ONE)
    assert ("demo", "demo", "test", "robust") == (run.model.id, run.data.source, run.data.split, run.data.scoring)
    assert (16, None, 1024, False, 1, 0) == (
        run.video.nframes,
        run.video.fps,
        run.generation.max_new_tokens,
        run.generation.do_sample,
        run.batch_size,
        run.seed,
    )
    assert ("interleaved", ()) == (run.schedule, run.listeners)
    assert [PRESETS["v-reason"]] == [variant.method for variant in run.resolved_variants()]


def test_schedule_and_listeners_are_read_written_and_recorded():
    """A list of names keeps its order, in the file as in the object; as a parameter it is one text."""
    run = parse_settings(ONE + "schedule: sequential\nlisteners: ['json:JSONDecoder', 'collections:Counter']")
    assert ("sequential", ("json:JSONDecoder", "collections:Counter")) == (run.schedule, run.listeners)
    written = read_mapping(run.to_yaml())[0]
    assert ("sequential", ["json:JSONDecoder", "collections:Counter"]) == (written["schedule"], written["listeners"])
    assert run == parse_settings(run.to_yaml())
    flat = run.flattened()
    assert ("sequential", "json:JSONDecoder, collections:Counter") == (flat["schedule"], flat["listeners"])
    assert "null" == parse_settings(ONE).flattened()["listeners"]


def test_listeners_can_be_laid_over():
    """From the command line, as a list and one by one."""
    run = parse_settings(ONE + "listeners: [json:JSONDecoder]", overrides=["listeners.0=collections:Counter", "schedule=sequential"])
    assert (("collections:Counter",), "sequential") == (run.listeners, run.schedule)
    assert ("json:loads",) == parse_settings(ONE, overrides=["listeners=[json:loads]"]).listeners


def test_blank_sections_are_defaults():
    """A section whose lines are all commented out is a section of defaults."""
    assert parse_settings(ONE) == parse_settings(ONE + "tracking:\nvideo:\nmatrix:\ndata:\nlisteners:\n")


def test_settings_cannot_be_changed():
    """The object is frozen, its sections too."""
    run = parse_settings(ONE)
    with pytest.raises(ValidationError):
        run.seed = 3
    with pytest.raises(FrozenInstanceError):
        run.video.nframes = 3


def test_all_faults_at_once():
    """One call reports the faults of single fields, of combinations, of variants, of the matrix and of the command line together."""
    text = """
name: x
seed: 1
seed: -1
batch_sizes: 2
variants: [{name: a, controller: {k: 0, objective: swich}}]
matrix: {controller.kk: [1]}
generation: {max_new_token: 5, temperature: 0.5}
data: {scoring: exact}
schedule: random
listeners: [absent_module:Mine, nobody]
"""
    found = faults(text, overrides=["nonsense"], limit=0)
    assert {
        "seed",
        "--set",
        "data.limit",
        "generation.max_new_token",
        "generation.temperature",
        "batch_sizes",
        "variants.0.controller.k",
        "variants.0.controller.objective",
        "matrix.controller.kk",
        "data.scoring",
        "schedule",
        "listeners.0",
        "listeners.1",
    } == set(found)


def test_sections_of_the_method_are_its_own_dataclasses():
    """`model` and `video` are the objects that the model and the clips are loaded with, checked by their own rules alone."""
    run = parse_settings(ONE + "model: {id: a/b, revision: main, device: 'cuda:1'}\nvideo: {fps: 2}")
    assert ModelSpec(id="a/b", revision="main", device="cuda:1") == run.model
    assert VideoConfig(nframes=None, fps=2.0) == run.video
    assert (asdict(run.model), asdict(run.video)) == (run.model_dump()["model"], run.model_dump()["video"])


@pytest.mark.parametrize(("section", "kind"), [("model", ModelSpec), ("video", VideoConfig)])
def test_sections_say_what_their_dataclass_says(section, kind):
    """What the dataclass refuses is refused in the same words under the same path, all of it at once."""
    wrong = dict.fromkeys(asdict(kind()), -1)
    with pytest.raises(ConfigError) as made:
        kind(**wrong)
    assert {issue.path: issue.message for issue in made.value.issues} == faults(ONE + dump({section: wrong}))
    assert set(wrong) <= {issue.path.removeprefix(f"{section}.") for issue in made.value.issues}


def test_a_faulty_section_hides_no_other():
    """Unknown keys and wrong values of one section, a section that is none, and a wrong combination come together."""
    found = faults(ONE + "model: {ids: a, dtype: bfloat}\nvideo: 3\nbatch_size: 0\ngeneration: {top_k: 2}")
    assert {"model.ids", "model.dtype", "video", "batch_size", "generation.top_k"} == set(found)
    assert "'bfloat' is not one of auto, float32, bfloat16, float16; did you mean bfloat16?" == found["model.dtype"]


def test_whole_numbers_are_recorded_as_the_number_that_they_are():
    """A setting that is a number is written, recorded and compared the same whether the file has 60 or 60.0."""
    whole, other = (parse_settings(ONE + f"video: {{fps: 2{point}, timeout: 30{point}}}") for point in ("", ".0"))
    assert (whole, whole.to_yaml(), repr(whole.flattened())) == (other, other.to_yaml(), repr(other.flattened()))
    assert "2.0" == repr(whole.flattened()["video.fps"])


LATER = ("schedule", "listeners")
"""Settings that the first version did not have."""


def test_configurations_of_earlier_records_are_still_read():
    """The configuration stored with a run of the first version loads, says the parameters recorded then, and writes itself the same, but
    for what came later, which has its defaults.
    """
    recorded = old_records.manifests()
    for manifest in recorded:
        run = parse_settings(manifest["config"])
        written = read_mapping(run.to_yaml())[0]
        assert ["interleaved", []] == [written.pop(name) for name in LATER]
        assert manifest["config"].replace("disk_patience:", "disk_retry_timeout:") == dump(written)
        shared = {name: value for name, value in run.flattened().items() if not name.startswith("variants.") and name not in LATER}
        assert repr(shared) == repr({name: manifest["params"].get(name) for name in shared})
    assert 5 == len(recorded)


def test_message_names_file_path_and_nearest_key():
    """The message opens with the file, and a misspelt key is answered with the right one."""
    with pytest.raises(ConfigError) as caught:
        parse_settings(ONE + "generation: {max_new_token: 5}", "run.yaml")
    assert "run.yaml: 1 issue(s)\n  generation.max_new_token: unknown key; did you mean max_new_tokens?" == str(caught.value)


def test_missing_variants_are_a_fault():
    """A run without a method is refused, and so is an empty list of them."""
    assert faults("name: x")["variants"].startswith("is missing; give a list")
    assert faults("name: x\nvariants: []")["variants"].startswith("[] is not a list of at least one variant")


def test_missing_name_is_a_fault():
    """A run without a name is refused, in words of our own."""
    assert {"name": "is missing; give printable text on one line, not blank"} == faults("variants: [{name: a}]")


def test_load_reads_a_file_and_lays_changes_over_it(tmp_path):
    """--set, --limit and --variant apply to what the file says; the limit is laid over last."""
    file = tmp_path / "run.yaml"
    file.write_text("\ufeffname: é\nvariants: [{name: a}, {name: b, preset: baseline}]\n", encoding="utf-8")
    run = load_settings(file, ["variants.0.controller.k=8", "data.limit=5"], limit=3, variants=["a"])
    assert ("é", 3) == (run.name, run.data.limit)
    assert [("a", 8)] == [(variant.name, variant.method.controller.k) for variant in run.variants]


def test_load_names_the_missing_file(tmp_path):
    """A file that does not exist is a ConfigError under its own path."""
    with pytest.raises(ConfigError, match=r"absent\.yaml: 1 issue\(s\)\n  no such file"):
        load_settings(tmp_path / "absent.yaml")


def test_text_faults_carry_the_file_name():
    """An empty text is refused under the name given."""
    with pytest.raises(ConfigError, match=r"^run.yaml: 1 issue\(s\)\n  is empty"):
        parse_settings("# nothing\n", "run.yaml")


def test_prompt_template_follows_the_model():
    """auto is the short prompt for the demo model and the reasoning prompt for any other; a loaded object says which."""
    demo, other = parse_settings(ONE), parse_settings(ONE + "model: {id: a/b}")
    assert ("short", SHORT) == (demo.prompt.template, demo.prompt_template())
    assert ("reasoning", REASONING) == (other.prompt.template, other.prompt_template())


def test_prompt_file_is_used_byte_for_byte(tmp_path):
    """A prompt file's line ends and last newline survive; suffixes given replace the template's, null removes one."""
    file = tmp_path / "prompt.txt"
    file.write_bytes(b"Q: {Question}\r\nGo.\n")
    run = parse_settings(ONE + dump({"prompt": {"file": str(file), "suffixes": {"OCR": " text!", "numerical": None}}}))
    template = run.prompt_template()
    assert "Q: {Question}\r\nGo.\n" == template.text
    assert "Q: a\r\nGo.\n text!" == template.render("a", (), "OCR")
    assert "Q: a\r\nGo.\n" == template.render("a", (), "numerical")
    assert SHORT.suffixes["free-form"] == template.suffixes["free-form"]


def test_prompt_file_that_vanished_is_a_config_error(tmp_path):
    """A prompt file removed after loading is reported as what it is when it is needed."""
    file = tmp_path / "prompt.txt"
    file.write_text("{Question}")
    run = parse_settings(ONE + dump({"prompt": {"file": str(file)}}))
    file.unlink()
    with pytest.raises(ConfigError, match=r"prompt\.file: .*no such file"):
        run.prompt_template()


def test_flattened_leaves_the_record_s_address_out():
    """The tracking URI, which may hold a password, is no parameter of a run; the method's fields are."""
    flat = parse_settings(ONE + "tracking: {uri: 'postgresql://u:secret@h/d'}").flattened()
    assert "secret" not in str(flat)
    assert (4, "null", "null") == (flat["variants.0.controller.k"], flat["variants.0.pruning"], flat["data.limit"])


def test_variant_filter_rejects_unknown_names():
    """--variant with an unknown name is answered with the nearest and the list."""
    message = faults(ONE, variants=["v-reson"])["--variant"]
    assert "'v-reson' is not a variant of this configuration; did you mean v-reason? There are v-reason" == message


def test_import_needs_no_heavy_library():
    """Loading a configuration imports neither torch, MLflow, transformers, decord nor numpy."""
    code = (
        "import sys; from vreason_tracking.settings import parse_settings; parse_settings(sys.argv[1]).to_yaml();"
        "print(sorted({'torch', 'mlflow', 'transformers', 'decord', 'numpy'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code, ONE], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert "[]" == out.stdout.strip()


def test_schema_knows_every_section():
    """The sections of a file are those of the written form, so that no setting is lost on the way."""
    assert set(RunSettings.model_fields) == set(read_mapping(parse_settings(ONE).to_yaml())[0])
