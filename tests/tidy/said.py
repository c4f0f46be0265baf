"""What the product says when something is the matter, read out of its code, so that the runbook can leave out none."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from tests.tidy.tree import SERVICE, python_files, tree_of

GAP: Final = "…"
_STATUS_LINES: Final = ("not_ready_because", "_alarms", "roster_alarms")
_FEWEST_LETTERS: Final = 12
"""A line with fewer of its own is made of names and of words that are listed elsewhere."""


def alarm_titles() -> list[str]:
    """The title of each alarm that people are told of."""
    found = set()
    for path in python_files(SERVICE):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Alarm":
                found.add(_text(node.args[1]))
    return sorted(found)


def notice_titles() -> list[str]:
    """The title of each notice that is none of an alarm, as far as the words stand where it is made."""
    found = set()
    for path in python_files(SERVICE):
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            position = {"Notice": 4, "_loud": 2, "_tell": 2}.get(name)
            if position is None:
                continue
            titles = [keyword.value for keyword in node.keywords if keyword.arg == "title"]
            titles += node.args[position : position + 1]
            found |= {_text(title) for title in titles if isinstance(title, ast.Constant | ast.JoinedStr)}
    return sorted(title for title in found if _has_words(title))


def page_texts() -> list[str]:
    """The sentences of the start page's alarms."""
    tree = tree_of(SERVICE / "web" / "pages" / "state_words.py")
    found = set()
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef) or not function.name.startswith("_of_"):
            continue
        advice = {id(node) for call in ast.walk(function) for node in _advice(call)}
        for node in ast.walk(function):
            called = node.func if isinstance(node, ast.Call) else None
            if (
                isinstance(node, ast.Call)
                and isinstance(called, ast.Name)
                and called.id == "N_"
                and id(node) not in advice
            ):
                found.add(re.sub(r"%\(\w+\)s", GAP, _text(node.args[0])).replace("%%", "%"))
    return sorted(found)


def status_lines() -> list[str]:
    """The lines below ATTENTION in `ringfence status`."""
    found = set()
    for name in ("status_view.py", "roster_view.py"):
        for function in ast.walk(tree_of(SERVICE / "web" / name)):
            if isinstance(function, ast.FunctionDef) and function.name in _STATUS_LINES:
                found |= {_text(node) for node in ast.walk(function) if isinstance(node, ast.JoinedStr)}
    return sorted(line for line in found if _has_words(line))


def _advice(call: ast.AST) -> Iterator[ast.expr]:
    if isinstance(call, ast.Call):
        yield from (keyword.value for keyword in call.keywords if keyword.arg == "todo")


def _has_words(text: str) -> bool:
    return sum(character.isalpha() for character in text) >= _FEWEST_LETTERS


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    assert isinstance(node, ast.JoinedStr), ast.dump(node)
    return "".join(str(one.value) if isinstance(one, ast.Constant) else GAP for one in node.values)
