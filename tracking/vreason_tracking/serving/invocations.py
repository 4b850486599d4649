"""MLflow's interface: /invocations takes and answers what `mlflow models serve` does with the same bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from vreason_tracking.serving.failures import RequestError

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


def records_of(body: bytes) -> tuple[list[object], dict[str, Any]]:
    """The records and the parameters of a body.

    Raises:
        RequestError: it is none of MLflow's forms.
    """
    try:
        data = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, f"the body is no JSON ({str(error)[:200]}); send {{'dataframe_records': [...]}}") from None
    if not isinstance(data, dict):
        raise RequestError(400, f"the body is no JSON object; send one with {', '.join(FORMS)}")
    forms = [name for name in FORMS if name in data]
    if len(forms) != 1:
        raise RequestError(400, f"the body has {len(forms)} of {', '.join(FORMS)}; send one of them")
    if unknown := [name for name in data if name not in (*FORMS, "params")]:
        raise RequestError(400, f"{unknown[0][:100]}: is not known here; send {forms[0]} and, if wanted, params", unknown[0][:100])
    params = data.get("params") or {}
    if not isinstance(params, dict):
        raise RequestError(400, "params: is no object with a value by name", "params")
    return _records(forms[0], data[forms[0]]), params


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _records(form: str, value: Any) -> list[object]:
    if form == "dataframe_split":
        return _of_split(value)
    if isinstance(value, list):
        return list(value)
    if isinstance(value, Mapping) and form in ("inputs", "instances"):
        return _of_columns(value)
    raise RequestError(400, f"{form}: is no list of records, such as [{{'video': ..., 'question': ...}}]", form)


def _of_split(value: Any) -> list[object]:
    columns: Any = value.get("columns") if isinstance(value, Mapping) else None
    rows: Any = value.get("data") if isinstance(value, Mapping) else None
    if not _is_list_of(columns, str) or not _is_list_of(rows, list) or any(len(row) != len(columns) for row in rows):
        raise RequestError(400, "dataframe_split: has no columns with rows of as many values in data", "dataframe_split")
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _of_columns(value: Mapping[str, Any]) -> list[object]:
    """One record, or columns of equal length."""
    lists: dict[str, Sequence[Any]] = {name: each for name, each in value.items() if isinstance(each, list) and name != "options"}
    if not lists:
        return [dict(value)]
    lengths = {len(each) for each in lists.values()}
    if len(lengths) != 1 or len(lists) != len(value) - ("options" in value):
        raise RequestError(400, "inputs: columns differ in length; send a list of records", "inputs")
    count = lengths.pop()
    options = value.get("options")
    if options is not None and not (isinstance(options, list) and len(options) == count):
        raise RequestError(400, "inputs: options has another length than the other columns; send a list of records", "inputs")
    return [{name: each[row] for name, each in value.items()} for row in range(count)]


def _is_list_of(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(each, kind) for each in value)
