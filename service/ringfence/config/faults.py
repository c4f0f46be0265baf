"""Turns what is wrong with the configuration into lines for people: file and line, the setting, what to do."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError


def fault_lines(error: ValidationError, raw: dict[str, Any], place: str, text: str) -> list[str]:
    lines = []
    for fault in error.errors(include_url=False):
        path = _named_path(fault["loc"], raw)
        message = str(fault["msg"]).removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            message = "there is no such setting; see docs/reference/settings.md for the names"
        elif fault["type"] == "missing":
            message = "is missing"
        elif fault["type"] == "string_pattern_mismatch":
            message = f"{fault['input']!r} does not have the form {fault['ctx']['pattern']}"
        where = f"{place}:{line}" if (line := _line_of(fault["loc"], text)) else place
        lines.append(f"{where}: {path}: {message}" if path else f"{where}: {message}")
    return lines


def _named_path(location: tuple[int | str, ...], raw: Any) -> str:
    """`platform[1] (uc).ring_seconds` rather than `platform.0.ring_seconds`: people count from one and know names."""
    parts: list[str] = []
    here = raw
    for key in location:
        here = _inside(here, key)
        if isinstance(key, int):
            name = f" ({here['name']})" if isinstance(here, dict) and isinstance(here.get("name"), str) else ""
            parts[-1] += f"[{key + 1}]{name}"
        else:
            parts.append(key)
    return ".".join(parts)


def _inside(container: Any, key: int | str) -> Any:
    if isinstance(container, dict):
        return container.get(key)
    if isinstance(container, list) and isinstance(key, int) and key < len(container):
        return container[key]
    return None


def _line_of(location: tuple[int | str, ...], text: str) -> int | None:
    """The line of a setting in the file, as far as its table and key can be found; None when unsure."""
    table, nth, key = "", 0, ""
    match location:
        case (str() as table, int() as nth, str() as key, *_):
            header = f"[[{table}]]"
        case (str() as table, str() as key, *_):
            header = f"[{table}]"
        case (str() as key, *_):
            header = ""
        case _:
            return None
    seen, inside = -1, not header
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.split("#")[0].strip()
        if bare.startswith("["):
            if bare.replace(" ", "") == header:
                seen += 1
            inside = bare.replace(" ", "") == header and seen == nth
            if inside and not any(rest.split("=")[0].strip() == key for rest in _body(text, number)):
                return number
        elif inside and bare.split("=")[0].strip() == key:
            return number
    return None


def _body(text: str, header_line: int) -> list[str]:
    body = []
    for line in text.splitlines()[header_line:]:
        if line.strip().startswith("["):
            break
        body.append(line)
    return body
