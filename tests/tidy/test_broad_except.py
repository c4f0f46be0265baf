"""Only the supervisor catches whatever comes. Elsewhere a broad clause may clean up, and must pass the fault on."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.tidy.tree import SERVICE, name_of, python_files, tree_of

BOUNDARY = SERVICE / "app" / "supervisor.py"
BROAD = {"Exception", "BaseException"}


def test_a_broad_except_stands_only_in_the_supervisor() -> None:
    assert list(_swallowing()) == []


def _swallowing() -> Iterator[str]:
    for path in python_files(SERVICE):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ExceptHandler) and path != BOUNDARY and _is_broad(node) and not _passes_on(node):
                yield f"{name_of(path)}:{node.lineno}: name what is expected, or run it under `supervise`"


def _is_broad(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id in BROAD for kind in types)


def _passes_on(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None
