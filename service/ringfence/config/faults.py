"""Turns what is wrong with the configuration into lines for people: file and line, the setting, what to do."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from ringfence.config.hr_settings import KINDS


def fault_lines(error: ValidationError, raw: dict[str, Any], place: str, text: str) -> list[str]:
    lines = []
    for fault in error.errors(include_url=False):
        location = _without_tags(fault["loc"], raw)
        path = _named_path(location, raw)
        message = str(fault["msg"]).removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            message = "there is no such setting; see docs/reference/settings.md for the names"
        elif fault["type"] == "missing":
            message = "is missing"
        elif fault["type"] == "string_pattern_mismatch":
            message = f"{fault['input']!r} does not have the form {fault['ctx']['pattern']}"
        elif fault["type"] in ("union_tag_invalid", "union_tag_not_found"):
            kinds = ", ".join(KINDS)
            given = fault.get("ctx", {}).get("tag")
            message = f"type {given!r} is none; known: {kinds}" if given else f"type is missing; known: {kinds}"
        where = f"{place}:{line}" if (line := _line_of(location, text)) else place
        lines.append(f"{where}: {path}: {message}" if path else f"{where}: {message}")
    return lines


def _without_tags(location: tuple[int | str, ...], raw: Any) -> tuple[int | str, ...]:
    """Without the type of a table that may be of several: it is in the location, and not in the file's nesting."""
    kept: list[int | str] = []
    here = raw
    for key in location:
        if (
            isinstance(here, dict)
            and kept
            and isinstance(kept[-1], int)
            and here.get("type") == key
            and key not in here
        ):
            continue
        here = _inside(here, key)
        kept.append(key)
    return tuple(kept)


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
