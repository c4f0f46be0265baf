"""What Entra ID sends otherwise than the standard has it, put right before the library reads it.

The manager is a complex attribute, and comes as a plain id, as a list of one, or empty when there is none any more. A
filter names it without its schema.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from ringfence.hr.scim.flat import ENTERPRISE

_MANAGER: Final = "manager"
_NAMES: Final = {_MANAGER, f"{ENTERPRISE}:{_MANAGER}".lower()}
# A text in quotes is passed over, to the end where it is not closed: nothing is looked at twice.
_COMPARED = re.compile(
    r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|(?<![\w.:$-])(?P<name>manager)(?=\s+(?:eq|ne)\s)', re.IGNORECASE | re.DOTALL
)


def put_right(body: bytes) -> bytes:
    """A request's body. One that is no JSON is left for the library to refuse."""
    if b"manager" not in body.lower():
        return body
    try:
        return json.dumps(_put_right(json.loads(body))).encode()
    except (ValueError, RecursionError):
        return body


def put_filter_right(text: str) -> str:
    if _MANAGER not in text.lower():
        return text
    return _COMPARED.sub(lambda found: f"{ENTERPRISE}:manager.value" if found["name"] else found[0], text)


def _put_right(node: Any) -> Any:
    if isinstance(node, list):
        return [_put_right(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {name: _manager(value) if name.lower() in _NAMES else _put_right(value) for name, value in node.items()}
    return _operation(found) if "path" in {name.lower() for name in found} else found


def _operation(operation: dict[str, Any]) -> dict[str, Any]:
    """One of a PATCH; any other object has no path to the manager."""
    names = {name.lower(): name for name in operation}
    path = operation[names["path"]]
    if not isinstance(path, str) or path.lower() not in _NAMES:
        return operation
    put = {**operation, names["path"]: f"{ENTERPRISE}:manager"}
    value = _manager(put.pop(names["value"], None)) if "value" in names else None
    if value is None:
        # Nobody any more. With a value, even an empty one, a removal would look for it.
        return {**put, names.get("op", "op"): "remove"}
    if str(put.get(names.get("op", "op"))).lower() != "remove":
        put[names["value"]] = value
    return put


def _manager(value: Any) -> Any:
    """As an object with the id; None for nobody."""
    if isinstance(value, list) and len(value) < 2:
        return _manager(value[0]) if value else None
    if isinstance(value, str):
        value = value.strip()
        return {"value": value} if value else None
    if isinstance(value, dict) and not any(value.values()):
        return None
    return value
