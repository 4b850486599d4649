"""vreason_tracking.comparison.added_tables: tables that a user's own functions make of a comparison."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.helpers import compared
from vreason.errors import PluginError
from vreason_tracking.comparison.added_tables import load_table_functions, with_added_tables
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.presentation import Table

GOOD = Table("mine", "Mine", ["run", "questions"], [["baseline", "6"], ["v-reason", "6"]], note="a note")


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    """Three runs, six questions."""
    return compare(compared.trio(tmp_path_factory.mktemp("trio"), questions=6, videos=3))


def test_functions_are_given_the_comparison_and_their_tables_stand_in_order(comparison) -> None:
    """Each table once, as it was made; without a function there is none, and the comparison given stays as it was."""
    asked = []
    found = with_added_tables(
        comparison,
        {"a:one": lambda given: asked.append(given) or GOOD, "a:two": lambda given: replace(GOOD, name="other", rows=(("x", "y"),))},
    )
    assert [comparison] == asked
    assert [GOOD, replace(GOOD, name="other", rows=[["x", "y"]])] == list(found.added_tables)
    assert () == comparison.added_tables == with_added_tables(comparison, {}).added_tables


def test_functions_are_found_in_the_current_folder(site_packages) -> None:
    """By module and name, each once, in their order; a method of a class counts as well."""
    site_packages.work_in(own_tables_of_a_user="class More:\n    make = staticmethod(lambda given: 2)\n\ndef make(given):\n    return 1")
    names = ["own_tables_of_a_user:make", "own_tables_of_a_user:More.make"]
    found = load_table_functions([*names, names[0]])
    assert names == list(found)
    assert [1, 2] == [function(None) for function in found.values()]


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("by_length", "--table: 'by_length' is not written module:function; name the function as my_module:my_function"),
        ("no_such_module:make", "--table: there is no module 'no_such_module'; install it, or start from the folder that holds it"),
        (
            "own_broken_tables:make",
            "--table: 'own_broken_tables:make' cannot be loaded: ZeroDivisionError: division by zero; fix the module",
        ),
        ("math:no_such_name", "--table: module 'math' has no 'no_such_name'; check the name behind the colon"),
        ("math:pi", "--table: math:pi is a float; name a function of one comparison"),
    ],
)
def test_what_cannot_be_loaded_is_named(site_packages, reference, told) -> None:
    """With the option, and with what to do."""
    site_packages.work_in(own_broken_tables="1 / 0")
    with pytest.raises(PluginError) as caught:
        load_table_functions([reference])
    assert told == str(caught.value)


def fails(given):
    raise KeyError("score")


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (fails, "mine:make failed: KeyError: 'score'; fix it"),
        ([["a"]], "mine:make returned a list; return a vreason_tracking.presentation.Table"),
        (None, "mine:make returned a NoneType; return a vreason_tracking.presentation.Table"),
        (replace(GOOD, name="By length"), "its name is 'By length'; use small letters, digits and hyphens, for it becomes a link"),
        (replace(GOOD, name=3), "its name is 3; use small letters"),
        (replace(GOOD, title=3), "3 is a int; title, note and columns are text"),
        (replace(GOOD, columns=["run", None]), "None is a NoneType; title, note and columns are text"),
        (replace(GOOD, columns=[]), "texts is 1 with 0 column(s)"),
        (replace(GOOD, texts=0), "texts is 0 with 2 column(s); it counts the columns of words on the left, at least one"),
        (replace(GOOD, texts="1"), "texts is '1' with 2 column(s)"),
        (replace(GOOD, rows=[["a", "b"], ["a"]]), "row 2 has 1 cell(s) for 2 column(s); give each column one"),
        (replace(GOOD, rows=[["a", 0.5]]), "row 1, column 'questions': 0.5 is a float; make it text, with percent, points or amount of"),
        (
            replace(GOOD, rows=[3]),
            "the table of mine:make has no lists of cells: 'int' object is not iterable; give columns and rows as lists",
        ),
    ],
)
def test_what_is_no_table_is_refused(comparison, made, told) -> None:
    """By the name of the function, with what is wrong and what would be right."""
    function = made if callable(made) else lambda given: made
    with pytest.raises(PluginError, match=f"^--table: .*{re.escape(told)}") as caught:
        with_added_tables(comparison, {"mine:make": function})
    assert "mine:make" in str(caught.value)


def test_two_tables_of_one_name_are_refused(comparison) -> None:
    """A name is a link, which leads to one place."""
    with pytest.raises(PluginError, match="b:make calls its table 'mine', as another one does; give each its own"):
        with_added_tables(comparison, {"a:make": lambda given: GOOD, "b:make": lambda given: GOOD})


def test_rows_may_come_from_a_generator(comparison) -> None:
    """They are read once and kept."""
    rows = (["baseline", str(count)] for count in range(2))
    (table,) = with_added_tables(comparison, {"a:make": lambda given: replace(GOOD, rows=rows)}).added_tables
    assert [["baseline", "0"], ["baseline", "1"]] == table.rows
