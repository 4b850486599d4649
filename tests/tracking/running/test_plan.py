"""vreason_tracking.running.plan: what a call has still to do. Journals of synthetic runs, settings as a user writes them; no model."""

from __future__ import annotations

import pytest

from tests.helpers import readback, records, trials
from vreason.errors import TrackingError
from vreason_tracking.delivery.checkpoint import DeliveryLog
from vreason_tracking.journal.reader import last_end
from vreason_tracking.running.inputs import variant_params
from vreason_tracking.running.plan import VariantRequest, plan
from vreason_tracking.running.recorder import RunRecorder
from vreason_tracking.settings import parse_settings
from vreason_tracking.settings.fingerprint import fingerprint_of

WEIGHTS, DATA = "sha256:1234", "00ff"


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "journal"


def settings(**sections):
    """Two variants over three questions; `sections` replace whole sections."""
    return parse_settings(trials.trial(**({"model": "some/model", "variants": trials.TWO} | sections)))


def request(now, weights=WEIGHTS, data=DATA) -> list[VariantRequest]:
    """What the settings ask of a model with these weights, with this data."""
    return [
        VariantRequest(variant, variant_params(now, variant), fingerprint_of(now, variant, weights, "float32", data))
        for variant in now.resolved_variants()
    ]


def begin(journal, now, *statuses, call_id="c1", created_ms=1_000, samples=("s-1",)):
    """The runs that a call of these settings began, one status a variant; None is one that died abruptly."""
    folders = []
    for position, (each, status) in enumerate(zip(request(now), statuses, strict=False)):
        recorder = readback.recorder_of(
            journal,
            each.variant.name,
            call_id=call_id,
            call_position=position,
            call_variants=len(now.resolved_variants()),
            config_name=now.name,
            experiment=now.tracking.experiment,
            created_ms=created_ms + position,
            params=dict(each.params),
            identity=dict(each.identity),
        )
        readback.answer(recorder, dict.fromkeys(samples, 3))
        if status:
            recorder.finish(status)
        else:
            recorder._writer.close()
            recorder._lease.release()
        folders.append(recorder.folder)
    return folders


def planned(journal, now, resume, **changed):
    return plan(now, request(now, **changed), journal, resume)


def test_a_new_call(journal) -> None:
    """Without --resume everything is to be done, under a name of its own, whatever there is already."""
    begin(journal, settings(), "KILLED")
    plans = [planned(journal, settings(), None) for _ in range(2)]
    assert 3 == len({"c1", *(each.call_id for each in plans)})
    for each in plans:
        found = [(task.request.variant.name, task.position, task.folder, task.finished) for task in each.tasks]
        assert [("baseline", 0, None, False), ("v-reason", 1, None, False)] == found


@pytest.mark.parametrize("name", ["journal id", "its beginning", "mlflow id", "its beginning in mlflow", "variant"])
def test_a_run_by_name(journal, name) -> None:
    """The call of the run that is named is continued: what is finished is kept, what was interrupted goes on, the rest begins."""
    now = settings(variants=[*trials.TWO, {"name": "v-reason-lite", "preset": "v-reason-lite"}])
    finished, killed = begin(journal, now, "FINISHED", "KILLED")
    log = DeliveryLog(killed.delivery_log)
    log.opened("fedcba9876543210", "1", "u")
    log.close()
    given = {
        "journal id": killed.run_id,
        "its beginning": killed.run_id[:-2],
        "mlflow id": "fedcba9876543210",
        "its beginning in mlflow": "fedc",
        "variant": "v-reason",
    }
    made = planned(journal, now, given[name])
    first, second, third = made.tasks
    assert ("c1", [0, 1, 2]) == (made.call_id, [task.position for task in made.tasks])
    assert (finished.path, True) == (first.folder.path, first.finished)
    assert (killed.path, False, frozenset({"s-1"})) == (second.folder.path, second.finished, second.done)
    assert (None, False, frozenset()) == (third.folder, third.finished, third.done)


def test_an_unknown_run(journal) -> None:
    """What there is, is named."""
    (folder,) = begin(journal, settings(), "KILLED")
    with pytest.raises(TrackingError, match=f"no run 'nothing'.*{folder.run_id}"):
        planned(journal, settings(), "nothing")


def test_auto(journal) -> None:
    """The newest call of this config is continued."""
    begin(journal, settings(), "KILLED", call_id="older", created_ms=1_000)
    begin(journal, settings(), "FINISHED", "FAILED", call_id="newer", created_ms=2_000)
    begin(journal, settings(name="other"), "KILLED", call_id="of another config", created_ms=3_000)
    begin(journal, settings(tracking={"experiment": "other"}), "KILLED", call_id="of another experiment", created_ms=4_000)
    made = planned(journal, settings(), "auto")
    assert ("newer", [True, False]) == (made.call_id, [task.finished for task in made.tasks])


def test_auto_with_nothing_there(journal) -> None:
    """The first call is simply a new one: the same command line works from the beginning."""
    made = planned(journal, settings(), "auto")
    assert [None, None] == [task.folder for task in made.tasks]


def test_auto_when_all_is_done(journal) -> None:
    """Everything is kept."""
    folders = begin(journal, settings(), "FINISHED", "FINISHED")
    made = planned(journal, settings(), "auto")
    assert [(folder.path, True) for folder in folders] == [(task.folder.path, task.finished) for task in made.tasks]


def test_auto_when_all_is_done_and_the_config_changed(journal) -> None:
    """Nothing was left undone: a changed config is a new call."""
    begin(journal, settings(), "FINISHED", "FINISHED")
    made = planned(journal, settings(seed=1), "auto")
    assert "c1" != made.call_id
    assert [None, None] == [task.folder for task in made.tasks]


@pytest.mark.parametrize("statuses", [("KILLED",), ("FINISHED", "KILLED"), ("FINISHED", None), ("FAILED", "FINISHED"), ("FINISHED",)])
def test_auto_when_something_is_left_and_the_config_changed(journal, statuses) -> None:
    """It is refused, also where a variant has not even begun: neither is the old call mixed with the new, nor silently given up."""
    begin(journal, settings(), *statuses)
    with pytest.raises(TrackingError, match="cannot be continued: it was begun with something else"):
        planned(journal, settings(seed=1), "auto")


VIDEO_R1 = {"source": "demo", "limit": 3, "scoring": "video-r1"}
CHANGES = {
    "seed": ({"seed": 1}, "seed: 0 when it was begun, 1 now", "decoding"),
    "batch": ({"batch_size": 2}, "batch_size: 1 when it was begun, 2 now", "decoding"),
    "generation": ({"generation": {"max_new_tokens": 11}}, "generation.max_new_tokens: 10 when it was begun, 11 now", "decoding"),
    "frames": ({"video": {"nframes": 4}}, "video.nframes: 8 when it was begun, 4 now", "video"),
    "scoring": ({"data": VIDEO_R1}, "data.scoring: robust when it was begun, video-r1 now", "data"),
    "prompt": ({"prompt": {"template": "reasoning"}}, "prompt.template: short when it was begun, reasoning now", "prompt"),
    "attention": ({"model": {"id": "some/model", "attention": "eager"}}, "model.attention: sdpa when it was begun, eager now", "model"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("resume", ["auto", "baseline"])
def test_a_changed_setting(journal, change, resume) -> None:
    """It is refused, naming the setting with its value then and now, the part of the identity, and what to do."""
    sections, line, part = CHANGES[change]
    begin(journal, settings(), "KILLED")
    with pytest.raises(TrackingError) as caught:
        planned(journal, settings(**sections), resume)
    text = str(caught.value)
    assert line in text
    assert f"parts of its identity that differ: {part}" in text.replace("\n  ", "\n")
    assert "leave --resume out" in text


def test_a_changed_method(journal) -> None:
    """The method's own fields are named under the variant that has them."""
    begin(journal, settings(), "FINISHED", "KILLED")
    changed = [trials.TWO[0], trials.TWO[1] | {"controller": {"k": 2}}]
    with pytest.raises(TrackingError, match=r"\(v-reason\) cannot be continued.*\n.*method.controller.k: 4 when it was begun, 2 now"):
        planned(journal, settings(variants=changed), "auto")


def test_all_differences_are_named(journal) -> None:
    """Not only the first."""
    begin(journal, settings(), "KILLED")
    with pytest.raises(TrackingError) as caught:
        planned(journal, settings(seed=5, batch_size=3, video={"nframes": 4}), "auto")
    assert [] == [name for name in ("seed: 0", "batch_size: 1", "video.nframes: 8", "decoding, video") if name not in str(caught.value)]


@pytest.mark.parametrize(("changed", "part"), [({"weights": "sha256:9"}, "model"), ({"data": "ff00"}, "data")])
def test_what_is_no_setting(journal, changed, part) -> None:
    """Other weights under the same name, or another data file under the same path, are noticed and named."""
    begin(journal, settings(), "KILLED")
    with pytest.raises(TrackingError, match=f"no setting differs: the weights, the data file, .*\n.*differ: {part}"):
        planned(journal, settings(), "auto", **changed)


def test_a_changed_prompt_file(journal, tmp_path) -> None:
    """The text of a prompt file counts, not its path."""
    file = tmp_path / "prompt.txt"
    file.write_text("Look. {Question}")
    begin(journal, settings(prompt={"file": str(file)}), "KILLED")
    assert 1 == len([task for task in planned(journal, settings(prompt={"file": str(file)}), "auto").tasks if task.folder])
    file.write_text("Look twice. {Question}")
    with pytest.raises(TrackingError, match=r"no setting differs.*\n.*differ: prompt"):
        planned(journal, settings(prompt={"file": str(file)}), "auto")


def test_many_differences_are_cut(journal) -> None:
    """Twelve are shown, the rest is counted."""
    (folder,) = begin(journal, settings(), "KILLED")
    manifest = folder.manifest
    other = readback.manifest(**{**vars(manifest), "run_id": "20270101T000000-abcdef", "params": {f"p{n:02d}": 0 for n in range(20)}})
    other = readback.manifest(**{**vars(other), "identity": {"run": "x"}, "call_id": "c2"})
    RunRecorder.create(journal, other).finish("KILLED")
    with pytest.raises(TrackingError, match=r"and \d+ more") as caught:
        planned(journal, settings(), "20270101T000000-abcdef")
    assert 12 == str(caught.value).count("when it was begun")


@pytest.mark.parametrize("harmless", [{"model": {"id": "some/model", "device": "cpu"}}, {"video": {"nframes": 8, "timeout": 5.0}}])
def test_what_changes_no_result(journal, harmless) -> None:
    """A run may go on with a longer time limit or on another device."""
    (folder,) = begin(journal, settings(), "KILLED")
    assert folder.path == planned(journal, settings(**harmless), "auto").tasks[0].folder.path


def test_damaged_samples_are_asked_again(journal) -> None:
    """A run is not taken for finished when the record of a sample is damaged; the others are not asked again."""
    (folder,) = begin(journal, settings(variants=trials.ONE), "FINISHED", samples=("s-1", "s-2", "s-3"))
    path = next(path for _, path in folder.fragments() if b'["step","s-2",1' in path.read_bytes())
    path.write_bytes(path.read_bytes().replace(b'["step","s-2",1', b'["step","s-2",7'))
    (task,) = planned(journal, settings(variants=trials.ONE), "auto").tasks
    assert (False, {"s-1", "s-3"}) == (task.finished, task.done)


def test_samples_of_all_sessions_are_done(journal) -> None:
    """What the second session answered is not asked again in the third, and a sample under way is."""
    (folder,) = begin(journal, settings(variants=trials.ONE), "KILLED")
    recorder = RunRecorder(folder)
    readback.answer(recorder, {"s-2": 4})
    recorder.on_steps(records.steps("s-3", 4))
    recorder.finish("KILLED")
    (task,) = planned(journal, settings(variants=trials.ONE), "auto").tasks
    assert {"s-1", "s-2"} == task.done


def test_one_variant_of_a_call(journal) -> None:
    """With --variant only that one is planned; the others' runs stay as they are."""
    begin(journal, settings(), "KILLED", "KILLED")
    (task,) = planned(journal, settings(variants=trials.ONE), "auto").tasks
    assert ("v-reason", {"s-1"}) == (task.request.variant.name, task.done)


def test_a_run_that_died_without_a_word(journal) -> None:
    """It is continued like one that was closed."""
    (folder,) = begin(journal, settings(variants=trials.ONE), None)
    assert last_end(folder) is None
    (task,) = planned(journal, settings(variants=trials.ONE), "auto").tasks
    assert (folder.path, False, {"s-1"}) == (task.folder.path, task.finished, task.done)


def test_another_runs_damage_is_in_nobodys_way(journal) -> None:
    """A damaged manifest of some other run neither stops a new call nor the continuation of this one."""
    begin(journal, settings(), "KILLED")
    broken = readback.recorded(journal)
    (broken.path / "run.json").write_text("{")
    assert [None, None] == [task.folder for task in planned(journal, settings(), None).tasks]
    assert planned(journal, settings(), "auto").tasks[0].folder is not None


def test_a_variant_that_cannot_be_read(journal) -> None:
    """Whether it is begun anew, or nothing is found to continue: never without a word that names the run."""
    broken = readback.recorded(journal)
    (broken.path / "run.json").write_text("{")
    (alone,) = planned(journal, settings(), "auto").notes
    assert f"run {broken.run_id} of {journal} cannot be read" in alone
    assert () == tuple(planned(journal, settings(), None).notes)
