"""What has a better way here: a fake instead of a mock, an awaited deadline instead of a blocking sleep."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.tidy.tree import SERVICE, TESTS, name_of, python_files, tree_of


def test_nothing_sleeps_without_letting_others_run() -> None:
    assert list(_uses("time.sleep", SERVICE, TESTS)) == [], "await the clock's sleep, or `wait_until` with a deadline"


def test_unit_tests_use_fakes_and_no_mocks() -> None:
    found = [*_imports("unittest.mock", TESTS), *_imports("mock", TESTS), *_uses("mocker.patch", TESTS)]
    assert found == [], "write a fake in tests/fakes; see clock.py"


def test_the_standard_output_belongs_to_the_command_line() -> None:
    elsewhere = [path for path in python_files(SERVICE) if "cli" not in path.relative_to(SERVICE).parts]
    found = [f"{name_of(path)}:{call.lineno}" for path in elsewhere for call in _bare_prints(path)]
    assert found == [], "use the module's log, or print to standard error"


def _uses(dotted: str, *folders: Path) -> Iterator[str]:
    """Places that name `module.attribute`, or import the attribute from the module."""
    module, _, attribute = dotted.rpartition(".")
    for path in python_files(*folders):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Attribute) and ast.unparse(node) == dotted:
                yield f"{name_of(path)}:{node.lineno}"
            elif isinstance(node, ast.ImportFrom) and node.module == module:
                yield from (f"{name_of(path)}:{node.lineno}" for alias in node.names if alias.name == attribute)


def _imports(module: str, *folders: Path) -> Iterator[str]:
    for path in python_files(*folders):
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            names = [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(f"{node.module}.{name}" for name in names)]
            if any(name == module or name.startswith(f"{module}.") for name in names):
                yield f"{name_of(path)}:{node.lineno}"


def _bare_prints(path: Path) -> Iterator[ast.Call]:
    """Calls of `print` without `file=`. A generator run as a program may print what it makes."""
    tree = tree_of(path)
    program = {id(node) for block in tree.body if isinstance(block, ast.If) for node in ast.walk(block)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            to_file = any(keyword.arg == "file" for keyword in node.keywords)
            if not to_file and id(node) not in program:
                yield node
