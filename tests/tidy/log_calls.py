"""What the daemon can log, read out of its code: message, level, and the names of the fields beside it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.tidy.tree import SERVICE, python_files, tree_of

LEVELS: Final = ("debug", "info", "warning", "error", "critical", "exception")
ANYTHING: Final = "…"
"""Stands where a message or the fields are put together at run time."""


@dataclass(frozen=True, slots=True, order=True)
class LogCall:
    """One message of one module. `levels` and `fields`, those said at the call itself, are joined by blanks."""

    message: str
    module: str
    levels: str
    fields: str


def log_calls() -> list[LogCall]:
    """Of the whole service, each once, in order."""
    return sorted({call for path in python_files(SERVICE) for call in _calls_of(path)})


def _calls_of(path: Path) -> Iterator[LogCall]:
    module = ".".join(path.relative_to(SERVICE).with_suffix("").parts)
    for function in ast.walk(tree_of(path)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        named = _named(function)
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_log(node.func):
                levels, arguments = [node.func.attr], node.args
                if node.func.attr == "log":
                    levels = sorted(_levels(arguments[0]))
                    arguments = arguments[1:]
                for message in _texts(arguments[0], named):
                    yield LogCall(message, module, " ".join(levels), _fields(node, named))


def _is_log(function: ast.Attribute) -> bool:
    return function.attr in (*LEVELS, "log") and isinstance(function.value, ast.Name) and function.value.id == "log"


def _levels(node: ast.expr) -> set[str]:
    return {one.attr.lower() for one in ast.walk(node) if isinstance(one, ast.Attribute) and one.attr.lower() in LEVELS}


def _texts(node: ast.expr, named: dict[str, ast.expr]) -> list[str]:
    if isinstance(node, ast.Name) and node.id in named:
        return _texts(named[node.id], {})
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return [*_texts(node.body, named), *_texts(node.orelse, named)]
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(one.value) if isinstance(one, ast.Constant) else ANYTHING for one in node.values)]
    return [ANYTHING]


def _named(function: ast.AST) -> dict[str, ast.expr]:
    """What has a name in this function, for `extra=facts`."""
    found: dict[str, ast.expr] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            found[node.target.id] = node.value
    return found


def _fields(call: ast.Call, named: dict[str, ast.expr]) -> str:
    names: list[str] = []
    for keyword in call.keywords:
        if keyword.arg == "extra":
            names += _keys(keyword.value, named)
        elif keyword.arg is not None and keyword.arg != "exc_info":
            names.append(keyword.arg)
    return " ".join(dict.fromkeys(names))


def _keys(node: ast.expr, named: dict[str, ast.expr]) -> list[str]:
    if isinstance(node, ast.Dict):
        return [str(key.value) if isinstance(key, ast.Constant) else ANYTHING for key in node.keys]
    if isinstance(node, ast.BinOp):
        return [*_keys(node.left, named), *_keys(node.right, named)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        return [keyword.arg or ANYTHING for keyword in node.keywords]
    if isinstance(node, ast.Name) and node.id in named:
        value = named[node.id]
        return [ANYTHING] if isinstance(value, ast.Name) else _keys(value, named)
    return [ANYTHING]
