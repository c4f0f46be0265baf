"""A person's word as JSON, for the spool and for the columns that keep one. Reading trusts nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ringfence.domain.override import Override, OverrideKind, OverrideTarget


def target_json(target: OverrideTarget) -> dict[str, Any]:
    """What is not given is left out, so that a version before can read what it knows of."""
    found: dict[str, Any] = {"scope": target.scope, "did": target.did}
    found |= {name: value for name in ("site", "team") if (value := getattr(target, name)) is not None}
    return found | ({"dids": list(target.dids)} if target.dids else {})


def read_target(raw: Mapping[str, Any]) -> OverrideTarget:
    """Raises ValueError, TypeError, KeyError or AssertionError for what `target_json` did not write."""
    return OverrideTarget(
        scope=_text(raw["scope"]),
        did=_text(raw["did"]),
        site=_text(raw.get("site")),
        team=_text(raw.get("team")),
        dids=tuple(str(did) for did in raw.get("dids", ())),
    )


def override_json(word: Override) -> dict[str, Any]:
    found: dict[str, Any] = {
        "target": target_json(word.target),
        "kind": word.kind,
        "who": word.who,
        "why": word.why,
        "set_at": word.set_at.isoformat(),
        "until": None if word.until is None else word.until.isoformat(),
        "id": word.id,
        "approved_by": word.approved_by,
        "alone": word.alone,
    }
    return found | ({} if word.replaced is None else {"replaced": override_json(word.replaced)})


def read_override(raw: Mapping[str, Any]) -> Override:
    """Raises as `read_target` does. What an earlier version did not write may be missing."""
    replaced = raw.get("replaced")
    return Override(
        target=read_target(raw["target"]),
        kind=OverrideKind(raw["kind"]),
        who=str(raw["who"]),
        why=str(raw["why"]),
        set_at=aware(raw["set_at"]),
        until=None if raw["until"] is None else aware(raw["until"]),
        id=str(raw.get("id", "")),
        replaced=None if replaced is None else read_override(replaced),
        approved_by=str(raw.get("approved_by", "")),
        alone=bool(raw.get("alone", False)),
    )


def aware(text: str) -> datetime:
    """Raises ValueError for a time without its zone."""
    wall = datetime.fromisoformat(text)
    if wall.tzinfo is None:
        raise ValueError("a time without its zone")
    return wall


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
