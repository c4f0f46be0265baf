"""All that a fake node has stored or published, in a form that can be compared."""

from __future__ import annotations

from typing import Any

from tests.fakes.node import FakeNode

_STORED = ("Store", "Spool", "AstDb", "Audit", "Access")


def state_of(node: FakeNode) -> dict[str, str]:
    """Part -> its content. Whoever is refused leaves it as it was."""
    parts = {name: _content(part) for name, part in vars(node).items() if type(part).__name__.endswith(_STORED)}
    parts["access"] = _content(node.access.store)
    parts["overrides"] = repr(node.failover.overrides)
    return parts


def _content(part: Any) -> str:
    return repr({name: value for name, value in vars(part).items() if not callable(value)})
