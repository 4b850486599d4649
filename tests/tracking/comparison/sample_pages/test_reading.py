"""vreason_tracking.comparison.sample_pages: what a sample's page says, and its markup."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pyarrow.parquet as pq
import pytest
from jinja2 import Environment, PackageLoader, StrictUndefined

from tests.helpers import clips, compared, records
from vreason.errors import TrackingError
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.comparison.sample_pages.page import anchor
from vreason_tracking.comparison.sample_pages.reading import read_pages, shown_runs
from vreason_tracking.records.step_table import RunSteps, read_steps

HOSTILE = "<script>alert('x')</script> & \"quoted\" مرحبا 🙂"
OUTPUT = "<think>\n  two  spaces\n</think> <img src=x onerror=alert(1)> 🙂 مرحبا"


def pages_of(runs, names, **options):
    """Pages of these samples."""
    steps = read_steps([run.steps for run in runs], set(names), names)
    return read_pages(compare(runs), names, steps, **options)


def rendered(pages):
    """All pages as the report has them."""
    loader = PackageLoader("vreason_tracking.comparison", "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    return str(environment.get_template("sample.html.j2").module.sample_pages(pages))


def runs_of(folder, tokens, count=3, **changes):
    """Runs that answered the same sample with so many tokens each."""
    made = []
    for number in range(count):
        reply = records.steps("s-1", tokens)
        one = records.sample("s-1", reply, **{"score": float(number % 2), **changes})
        made.append(compared.recorded(folder, f"run-{number}", [(one, reply)], "v-reason"))
    return made


class Replies(HTMLParser):
    """The text of each reply as a browser shows it, and the titles of its tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.texts, self.titles, self.tags, self._depth = [], [], set(), 0

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        given = dict(attributes)
        if tag == "div":
            self._depth = 1 if given.get("class") == "t" else 0
            if self._depth:
                self.texts.append("")
        if tag in "bi" and "title" in given:
            self.titles.append(given["title"])

    def handle_endtag(self, tag):
        if tag == "div":
            self._depth = 0

    def handle_data(self, data):
        if self._depth:
            self.texts[-1] += data


def read(html):
    parser = Replies()
    parser.feed(html)
    return parser


def test_what_a_page_says(tmp_path) -> None:
    """The question with lettered options and the expected answer, the clip, and each run's reply in the order of the runs."""
    clip = clips.write_clip(tmp_path / "ä clip.mp4", 12)
    [page] = pages_of(runs_of(tmp_path, 5, video=str(clip), frames=4, signatures=("truncated",)), ["s-1"])
    expected_samples = (page.sample_id, page.question, page.options, page.answer)
    assert ("s-1", "Which way does the red circle move?", ["A. left", "B. right"], "B") == expected_samples
    assert ("multiple choice", "direction", "shapes", "ä clip.mp4", 3.2) == (
        page.problem_type,
        page.category,
        page.benchmark,
        page.video,
        page.seconds,
    )
    assert (4, "the 4 frames that the model was shown") == (len(page.frames), page.frames_note)
    assert [("run-0", "wrong"), ("run-1", "right"), ("run-2", "wrong")] == [(reply.run, reply.verdict) for reply in page.replies]
    reply = page.replies[1]
    assert ("run-1-id", "B", None, 5, 48.0) == (reply.run_id, reply.prediction, reply.error, reply.output_tokens, reply.latency_ms)
    assert ["truncated"] == reply.signatures


def test_tokens_join_to_the_reply(tmp_path) -> None:
    """Each token stands in its own element, with token index, entropy and phase; whitespace, markup and other scripts are kept as text."""
    ends = tuple(range(1, len(OUTPUT) + 1))
    runs = runs_of(tmp_path, len(OUTPUT), output=OUTPUT, token_ends=ends)
    html = rendered(pages_of(runs, ["s-1"]))
    found = read(html)
    assert [OUTPUT] * 3 == found.texts
    steps = records.steps("s-1", len(OUTPUT))
    assert [f"t = {step.token_index}, H = {step.entropy:.2f} nats, {step.phase}" for step in steps] * 3 == found.titles
    assert 3 * sum(step.updated for step in steps) == len(re.findall('class="e[0-7] u" title', html))


def test_nothing_of_the_user_is_markup(tmp_path) -> None:
    """Ids, questions, options, answers, predictions, categories, names of runs and clips are text wherever they stand."""
    names = ("question", "answer", "prediction", "category", "benchmark", "output", "video")
    runs = runs_of(tmp_path, 5, options=(HOSTILE,), token_ends=(), **dict.fromkeys(names, HOSTILE))
    runs = [replace(run, name=f"{run.name} {HOSTILE}") for run in runs]
    html = rendered(pages_of(runs, ["s-1"]))
    assert not {"script", "img"} & read(html).tags
    assert 12 <= html.count("&lt;script&gt;")


def test_a_failed_sample(tmp_path) -> None:
    """Its error stands in place of a reply; there is no curve."""
    runs = [
        compared.recorded(tmp_path, "baseline", [(records.sample("s-9", records.steps("s-9", 4)), records.steps("s-9", 4))]),
        compared.recorded(tmp_path, "other", [(records.failed("s-9", error="out of <memory>"), ())]),
    ]
    [page] = pages_of(runs, ["s-9"])
    failed = page.replies[1]
    assert ("failed", "out of <memory>", "", "", None, None) == (
        failed.verdict,
        failed.error,
        failed.output,
        failed.curve_svg,
        failed.output_tokens,
        failed.latency_ms,
    )
    assert "out of &lt;memory&gt;" in rendered([page])


def test_a_partial_score(tmp_path) -> None:
    """Neither right nor wrong."""
    [page] = pages_of(runs_of(tmp_path, 5, score=0.25), ["s-1"])
    assert {"partly"} == {reply.verdict for reply in page.replies}
    assert "◐ partly right</span> score 0.25" in rendered([page])


def test_an_older_record(tmp_path) -> None:
    """Without token_ends and benchmark the reply is shown whole, with its curve, and a note says what is not known."""
    runs = runs_of(tmp_path, 8)
    for run in runs:
        pq.write_table(compared.without("token_ends", "benchmark")(pq.read_table(run.samples)), run.samples)
    [page] = pages_of(runs, ["s-1"])
    assert {(0, "demo")} == {(len(reply.tokens), page.benchmark) for reply in page.replies}
    html = rendered([page])
    assert [page.replies[0].output] * 3 == read(html).texts
    assert (3, 3) == (html.count("which token brought which characters is not in this record"), html.count("<svg"))


def test_pictures_say_which_frames_they_are(tmp_path) -> None:
    """That they are not all that the model saw, and each one's time in the clip, for whoever cannot see it, too."""
    clip = clips.write_clip(tmp_path / "clip.mp4", 48)
    [page] = pages_of(runs_of(tmp_path, 3, video=str(clip), frames=12), ["s-1"], thumbnails=3)
    html = rendered([page])
    assert '<p class="note" dir="auto">3 of the 12 frames that the model was shown</p>' in html
    times = [f'alt="frame at {time} s" title="at {time} s"' for time in ("0.00", "1.08", "1.96")]
    assert times == re.findall(r'alt="frame[^"]*" title="[^"]*"', html)


def test_a_clip_that_is_gone(tmp_path) -> None:
    """A note in place of the pictures."""
    [page] = pages_of(runs_of(tmp_path, 3), ["s-1"])
    assert ((), "no frames of s-1.mp4: the file is not, or no longer, where the run found it") == (page.frames, page.frames_note)
    assert page.frames_note in rendered([page])


def test_the_order_is_that_asked_for(tmp_path) -> None:
    """And each page leads to its neighbours."""
    runs = compared.trio(tmp_path, 6, 3, steps=4)
    names = ["q-0004", "q-0001", "q-0003"]
    pages = pages_of(runs, names, thumbnails=0)
    assert names == [page.sample_id for page in pages]
    html = rendered(pages)
    links = re.findall('href="#(sample-[^"]*)"', html)
    assert [anchor("q-0001"), anchor("q-0004"), anchor("q-0003"), anchor("q-0001")] == links


def test_a_sample_that_is_not_there(tmp_path) -> None:
    """It is named."""
    with pytest.raises(TrackingError, match=r"run-0 \(run-0-id\): its record has no sample 's-77'"):
        pages_of(runs_of(tmp_path, 3), ["s-77"])


def test_a_record_that_is_none(tmp_path) -> None:
    """It is named, with what to do."""
    runs = runs_of(tmp_path, 3)
    comparison = compare(runs)
    runs[1].samples.write_bytes(b"x")
    with pytest.raises(TrackingError, match=r"run-1/samples.parquet: is not a record of samples .*; restore it, or move it away"):
        read_pages(comparison, ["s-1"], [])


@pytest.mark.parametrize("name", ["output", "prediction", "error", "category", "generation_ms", "signatures"])
def test_a_column_that_must_be_there(tmp_path, name) -> None:
    """Without it the record is refused, by name; a reply is never shown as an empty one."""
    runs = runs_of(tmp_path, 3)
    comparison = compare(runs)
    compared.rewritten(runs[2], lambda table: table.drop_columns([name])).samples.replace(runs[2].samples)
    told = f"run-2/samples.parquet: is not a record of samples (the column {name} is missing); restore it"
    with pytest.raises(TrackingError, match=re.escape(told)):
        read_pages(comparison, ["s-1"], [])


def test_pages_are_the_same_every_time(tmp_path) -> None:
    """The same record gives the same bytes."""
    clip = clips.write_clip(tmp_path / "clip.mp4", 12)
    runs = runs_of(tmp_path, 40, video=str(clip))
    assert rendered(pages_of(runs, ["s-1"])) == rendered(pages_of(runs, ["s-1"]))


@pytest.mark.parametrize(("count", "bytes_at_most"), [(3, 120_000), (30, 1_200_000)])
def test_a_page_stays_small(tmp_path, count, bytes_at_most) -> None:
    """Replies of 500 tokens: a page of three runs stays below 120 kB, with the pictures of a textured clip, one of thirty below 1.2 MB."""
    clip = clips.write_clip(tmp_path / "clip.mp4", 16, size=(320, 240), texture=True)
    output = " word" * 500
    runs = runs_of(tmp_path, 500, count, output=output, token_ends=tuple(range(5, 2501, 5)), video=str(clip), frames=8)
    [page] = pages_of(runs, ["s-1"])
    assert (8, 500) == (len(page.frames), len(page.replies[-1].tokens))
    size = len(rendered([page]).encode())
    assert size < bytes_at_most


def test_many_runs_leave_some_out() -> None:
    """A page shows eight replies: the baseline's, those that did otherwise, then others, all in the comparison's order."""
    assert [0, 1, 2] == shown_runs([1.0, 0.0, 1.0], 0)
    scores = [1.0] * 9 + [0.0, None] + [1.0] * 4
    assert [0, 1, 2, 3, 4, 9, 10, 14] == shown_runs(scores, 14)


def test_the_runs_left_out_are_named(tmp_path) -> None:
    """Whoever reads a page knows whose replies are not on it."""
    runs = [compared.recorded(tmp_path, f"run {number}", compared.make_samples(4, 2, number)) for number in range(11)]
    comparison = compare(runs)
    page = read_pages(comparison, comparison.frame.ids[:1], [RunSteps()] * 11, thumbnails=0)[0]
    assert set(comparison.names) == {reply.run for reply in page.replies} | set(page.excluded)
    assert (8, 3) == (len(page.replies), len(page.excluded))
