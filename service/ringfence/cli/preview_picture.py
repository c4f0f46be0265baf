"""What `ringfence hr preview` shows, for people and as data. Numbers are masked in both."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from ringfence.cli.invocation import print_lines
from ringfence.cli.tables import show_table
from ringfence.domain.hr.items import shown_key
from ringfence.domain.hr.record import HrNumber, HrRecord
from ringfence.hr.preview import Preview

if TYPE_CHECKING:
    from rich.console import Console

SHOWN_PROBLEMS: Final = 20

# Fields of a mapping that are another field of the record.
_PART_OF: Final = {
    "did": "dids",
    "work_number": "numbers",
    "private_number": "numbers",
    "first_name": "name",
    "last_name": "name",
}


def preview_data(found: Preview, rows: int) -> dict[str, Any]:
    """The JSON form."""
    names = _record_fields(found)
    batch = found.batch
    return {
        "file": found.file,
        "read_as": found.form,
        "preset": found.preset or None,
        "preset_guessed": found.guessed,
        "fields": {field: list(columns) for field, columns in found.mapping.columns.items()},
        "missing": [{"column": problem.field, "message": problem.message} for problem in found.missing],
        "unused": list(found.unused),
        "rows": batch.rows,
        "readable": len(batch.records),
        "repeated": [shown_key(id_) for id_ in sorted(batch.repeated)],
        "records": [{name: _shown(getattr(record, name)) for name in names} for record in batch.records[:rows]],
        "problems": [
            {"row": problem.where, "column": problem.field, "message": problem.message} for problem in batch.rejected
        ],
    }


def show(out: Console, found: Preview, rows: int) -> None:
    """The form for people."""
    preset = f"preset {found.preset}" if found.preset else "no preset"
    print_lines(out, [f"{found.file}: {found.form}; {preset}{' (guessed: it fits best)' if found.guessed else ''}", ""])
    off = found.switched_off
    columns = found.mapping.columns.items()
    fed = ((field, ", ".join(given), "not in the file" if field in off else "") for field, given in columns)
    show_table(out, ("field", "column", ""), fed)
    if found.unused:
        print_lines(out, ["", f"Columns that feed nothing: {', '.join(found.unused)}"])
    print_lines(out, [""])
    names = _record_fields(found)
    records = found.batch.records[:rows]
    show_table(out, tuple(names), (tuple(_shown(getattr(record, name)) for name in names) for record in records))
    print_lines(out, ["", *_problems(found)])
    if off:
        told = [
            "",
            "A source would refuse this file. Name the columns, or switch the fields off:",
            "[hr_source.fields]",
        ]
        print_lines(out, [*told, *(f"{field} = []" for field in off)])


def _problems(found: Preview) -> list[str]:
    batch = found.batch
    unread = len({problem.where for problem in batch.rejected})
    lines = [f"{batch.rows:,} rows, {len(batch.records):,} read, {unread:,} with problems."]
    lines += [f"{problem.field!r} {problem.message}" for problem in found.missing]
    for problem in batch.rejected[:SHOWN_PROBLEMS]:
        column = f", {problem.field}" if problem.field else ""
        lines.append(f"{problem.where}{column}: {problem.message}")
    if len(batch.rejected) > SHOWN_PROBLEMS:
        lines.append(f"... and {len(batch.rejected) - SHOWN_PROBLEMS:,} more (--json shows them)")
    twice = [shown_key(id_) for id_ in sorted(batch.repeated)]
    lines += [f"{id_} comes more than once: no row of it would be taken" for id_ in twice[:SHOWN_PROBLEMS]]
    if len(twice) > SHOWN_PROBLEMS:
        lines.append(f"... and {len(twice) - SHOWN_PROBLEMS:,} more that come more than once")
    return lines


def _record_fields(found: Preview) -> list[str]:
    """The fields that anything feeds, in the record's order."""
    fed = {_PART_OF.get(field, str(field)) for field in found.mapping.columns if field not in found.switched_off}
    return [field.name for field in fields(HrRecord) if field.name in fed]


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(item.words if isinstance(item, HrNumber) else str(item) for item in value) or "none"
    return str(value)
