"""docs/guides/table.md, followed: a report holds the table of one's own, and it is true."""

from __future__ import annotations

import json
import re

import pytest

from tests.helpers import compared
from tests.helpers.guides import errors_of, text_of, unlike
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.presentation import Table, formatting

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def walk(followed):
    """Whoever has followed the guide to its end."""
    return followed("table")


def test_the_table_is_true(walk) -> None:
    """Its figures, worked out anew from the record."""
    (table,) = json.loads((walk.folder / "report.json").read_text())["added_tables"]
    assert ("tokens-by-outcome", 2) == (table["name"], table["texts"])
    wanted = []
    runs = walk.runs("tokens")
    for name in ("baseline", "v-reason"):
        samples = [each.sample for each in runs[name].samples]
        for answers, right in (("right", True), ("wrong", False)):
            tokens = [sample.output_tokens for sample in samples if sample.correct is right]
            wanted.append([name, answers, str(len(tokens)), formatting.amount(sum(tokens) / len(tokens))])
    assert wanted == table["rows"]


def test_it_stands_in_the_page(walk) -> None:
    """With a link to it."""
    page = (walk.folder / "report.html").read_text()
    assert '<a href="#added-tokens-by-outcome">Output tokens of right and wrong answers</a>' in page
    assert '<h2 id="added-tokens-by-outcome">' in page


def described(heading: str) -> list[str]:
    """The words in code quotes of the first column of the table with this head."""
    rows = text_of("table").split(f"| {heading} |")[1].split("\n\n")[0].splitlines()
    return [name for row in rows if row.startswith("| `") for name in re.findall("`(.*?)`", row.split(" | ")[0])]


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    """Three runs."""
    return compare(compared.trio(tmp_path_factory.mktemp("trio")))


def test_every_field_that_is_promised_is_there(comparison) -> None:
    """Under the words that the guide uses for its parts."""
    group = comparison.groups[0]
    parts = {"comparison": comparison, "run": comparison.runs[0], "frame": comparison.frame, "group": group, "result": group.results[1]}
    fields = described("field")
    assert len(fields) > 20
    for field in fields:
        part, *names = field.split(".")
        value = parts[part]
        for name in names:
            value = getattr(value, name)
    texts = re.findall("`(.*?)`", next(line for line in text_of("table").splitlines() if line.startswith("| `frame.texts`")))[1:]
    lists = re.findall("`(.*?)`", next(line for line in text_of("table").splitlines() if line.startswith("| `frame.lists`")))[1:]
    costs = re.findall("`(.*?)`", next(line for line in text_of("table").splitlines() if line.startswith("| `result.costs`")))[1:]
    assert (set(comparison.frame.texts), set(comparison.frame.lists)) == (set(texts), set(lists))
    assert set(group.results[0].costs) < set(costs)
    assert [] == [name for name in set(costs) - set(group.results[0].costs) if not hasattr(group.results[1].costs["latency_ms"], name)]


def test_every_column_of_numbers_is_described(comparison) -> None:
    """And none that there is not."""
    assert set(comparison.frame.numbers) == set(described("column of `frame.numbers`"))


def test_every_field_of_a_table_is_described() -> None:
    """In their order."""
    assert list(Table.__dataclass_fields__) == described("field of `Table`")


def test_the_functions_that_write_figures_do_what_the_guide_says() -> None:
    """Each of them on the figure that it shows."""
    figures = {"percent": (0.625,), "points": (0.125,), "amount": (1204, 32.5, 0.0213), "ratio": (0.84,), "count": (1204,)}
    figures["p_value"] = (0.031, 0.0002)
    rows = text_of("table").split("| function |")[1].split("\n\n")[0].splitlines()
    for row in rows[2:]:
        name, *shown = re.findall("`(.*?)`", row)
        name = name.split("(")[0]
        assert [getattr(formatting, name)(figure) for figure in figures.pop(name)] == shown
        assert "–" == getattr(formatting, name)(None)
    assert {} == figures


MODULE = "my_table.py"
MISTAKES = [
    ("my_table", lambda walk: None),
    ("my_table:make_table", lambda walk: (walk.folder / MODULE).unlink()),
    ("my_table:make_table", lambda walk: walk.rewrite(MODULE, "def make_table", "def another_name")),
    ("my_table:make_table", lambda walk: walk.rewrite(MODULE, "def make_table(", "def make_table")),
    ("my_table:make_table", lambda walk: walk.rewrite(MODULE, 'numbers["output_tokens"]', 'numbers["tokens"]')),
    ("my_table:make_table", lambda walk: walk.rewrite(MODULE, "return Table(", "return rows or Table(")),
    ("my_table:make_table", lambda walk: walk.rewrite(MODULE, "amount(mean)]", "mean]")),
    ("my_table:make_table", lambda walk: walk.rewrite(MODULE, ", amount(mean)]", "]")),
]


@pytest.mark.parametrize(("number", "reference", "mistake"), [(number, *each) for number, each in enumerate(MISTAKES)])
def test_the_errors_are_those_of_the_guide(walk, tmp_path, number, reference, mistake) -> None:
    """Each message of its table is what the program says of that mistake, with exit code 2; none is left untried."""
    messages = errors_of(text_of("table"))
    assert len(MISTAKES) == len(messages)
    other = walk.another(tmp_path)
    mistake(other)
    journal = walk.folder / "vreason-journal"
    code, said = other.vreason_track("compare", "--config-run", "tokens", "--table", reference, "--journal", str(journal), "--md", "out.md")
    assert 2 == code, said
    assert [] == unlike(f"...{messages[number]}...", said), said
    assert not (other.folder / "out.md").exists()
