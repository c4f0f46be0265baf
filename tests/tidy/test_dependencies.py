"""What is installed on somebody's telephone system is used there: no dependency for nothing, and none by accident."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator

from tests.tidy.tree import ROOT, SERVICE, python_files, tree_of

# Imported by what we import and meant to be used with it: the modules a declared package brings along.
COMPANIONS = {
    "annotated_types": "pydantic",
    "markupsafe": "jinja2",
    "pydantic_core": "pydantic",
    "starlette": "fastapi",
    "yarl": "aiohttp",
}
# Where the module is not called as its package.
CALLED = {"argon2": "argon2_cffi"}
# SQLAlchemy loads aiosqlite by the database's address, Starlette python-multipart when a form is read, zoneinfo tzdata
# where the system has no zones.
BY_NAME_ONLY = {"aiosqlite", "python_multipart", "tzdata"}


def test_every_dependency_is_used() -> None:
    assert _declared() - BY_NAME_ONLY - set(_imported()) == set()


def test_everything_that_is_imported_is_declared() -> None:
    assert {name for name in _imported() if COMPANIONS.get(name, name) not in _declared()} == set()


def test_the_reasons_for_every_dependency_are_written_down() -> None:
    page = (ROOT / "docs" / "explanation" / "dependencies.md").read_text(encoding="utf-8").lower()
    assert [name for name in _declared() if name.replace("_", "-") not in page] == []


def _declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [line for lines in project.get("optional-dependencies", {}).values() for line in lines]
    lines = [*project["dependencies"], *extras]
    return {re.split(r"[^A-Za-z0-9_-]", line)[0].replace("-", "_").lower() for line in lines}


def _imported() -> Iterator[str]:
    for path in python_files(SERVICE):
        for node in ast.walk(tree_of(path)):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top != "ringfence":
                    yield CALLED.get(top, top)
