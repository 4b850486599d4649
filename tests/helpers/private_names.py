"""Which names of another package a source file uses although they are not part of its public interface."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Sequence
from typing import Any


def private_names(source: str, package: str, private: Sequence[str] = ()) -> list[str]:
    """The dotted names of a package in Python source of which a part begins with an underscore, or that begin with one of `private`.

    They are looked for in imports, in attributes of what was imported, and in texts that are nothing but a dotted name: those are for
    `importlib` and `logging`.

    Args:
        source: of one file.
        package: "mlflow".
        private: parts of the package that are its own business as a whole: "mlflow.store".
    """
    tree = ast.parse(source)
    imported = dict(_imported(tree))
    names = [*imported.values(), *_attributes(tree, imported), *_texts(tree)]
    found = {name for name in names if name.split(".")[0] == package and _is_private(name, private)}
    return sorted(name for name in found if not any(other.startswith(f"{name}.") for other in found))


def _is_private(name: str, private: Sequence[str]) -> bool:
    hidden = any(part.startswith("_") and not part.startswith("__") for part in name.split("."))
    return hidden or any(name == each or name.startswith(f"{each}.") for each in private)


def _imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """What each import makes known: the name here, and the dotted name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                yield each.asname or each.name, each.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for each in node.names:
                yield each.asname or each.name, f"{node.module}.{each.name}"


def _attributes(tree: ast.AST, imported: dict[str, str]) -> Iterator[str]:
    """Attributes of imported names, as dotted names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            first, _, rest = _dotted(node).partition(".")
            yield f"{imported.get(first, first)}.{rest}"


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"\w+(\.\w+)+", node.value):
            yield node.value


def call_form(function: Any) -> str:
    """How a function may be called: its parameters in order, `name=` where there is a default, `*` and `**` as they are written."""
    return ", ".join(_parameter_forms(inspect.signature(function)))


def _parameter_forms(signature: inspect.Signature) -> Iterator[str]:
    parameters = list(signature.parameters.values())
    variable = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    starred = False
    for number, each in enumerate(parameters):
        if each.kind is inspect.Parameter.KEYWORD_ONLY and not starred:
            yield "*"
        starred = starred or each.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.KEYWORD_ONLY)
        yield variable.get(each.kind, "") + each.name + ("" if each.default is each.empty else "=")
        following = parameters[number + 1].kind if number + 1 < len(parameters) else None
        if each.kind is inspect.Parameter.POSITIONAL_ONLY and following is not inspect.Parameter.POSITIONAL_ONLY:
            yield "/"
