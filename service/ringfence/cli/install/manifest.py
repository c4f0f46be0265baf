"""What was done to this machine, so that it can be undone: `installed.json` beside the configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ringfence.cli.install.edits import Edit

NAME: Final = "installed.json"
VERSION: Final = 1


class ManifestFault(Exception):
    """It is there and cannot be used. The text says why and what to do."""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """An inbound trunk's endpoint that leads to us now, and where it led."""

    trunk: str
    endpoint: str
    context_before: str
    edit: Edit


@dataclass(frozen=True, slots=True)
class Manifest:
    """In the order things were done; they are undone in the other."""

    etc: Path
    conf_dir: Path
    edits: tuple[Edit, ...] = ()
    handed_over: tuple[HandedOver, ...] = field(default=())


def place_beside(config: Path) -> Path:
    return config.parent / NAME


def text_of(manifest: Manifest) -> str:
    """As a file's text."""
    return (
        json.dumps(
            {
                "version": VERSION,
                "asterisk": str(manifest.etc),
                "asterisk_conf_dir": str(manifest.conf_dir),
                "edits": [_edit_json(edit) for edit in manifest.edits],
                "handed_over": [
                    {
                        "trunk": one.trunk,
                        "endpoint": one.endpoint,
                        "context_before": one.context_before,
                        "edit": _edit_json(one.edit),
                    }
                    for one in manifest.handed_over
                ],
            },
            indent=2,
        )
        + "\n"
    )


def read(path: Path) -> Manifest | None:
    """None where there is none, or an empty one: its run was killed before it had done anything to remember. Raises
    ManifestFault."""
    try:
        text = path.read_text(encoding="utf-8")
        if not text:
            return None
        told = json.loads(text)
        return Manifest(
            etc=Path(told["asterisk"]),
            conf_dir=Path(told["asterisk_conf_dir"]),
            edits=tuple(_edit(one) for one in told["edits"]),
            handed_over=tuple(
                HandedOver(one["trunk"], one["endpoint"], one["context_before"], _edit(one["edit"]))
                for one in told["handed_over"]
            ),
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ManifestFault(f"{path}: {error.strerror}. Run it with sudo.") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ManifestFault(
            f"{path} cannot be understood. Move it away: the marked lines in Asterisk's files are found without it."
        ) from None


def _edit_json(edit: Edit) -> dict[str, object]:
    return {"path": str(edit.path), "added": edit.added, "existed": edit.existed}


def _edit(told: Mapping[str, Any]) -> Edit:
    return Edit(Path(told["path"]), str(told["added"]), bool(told["existed"]))
