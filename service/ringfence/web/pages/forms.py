"""What a page's form sent, checked to come from a page of ours."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import FormData
from starlette.requests import Request

from ringfence.web.csrf import form_is_ours

MAX_FIELDS: Final = 2_000


async def sent(request: Request) -> FormData:
    """Dependency of every form's handler: its fields. Raises NotPermitted when it comes from elsewhere."""
    fields = await request.form(max_files=0, max_fields=MAX_FIELDS)
    await form_is_ours(request)
    return fields


def texts_of(fields: FormData) -> dict[str, str]:
    """The first of each field, as text."""
    return {name: value for name, value in reversed(fields.multi_items()) if isinstance(value, str)}


def all_of(fields: FormData, name: str) -> list[str]:
    """Every value of a field that may come several times."""
    return [value for value in fields.getlist(name) if isinstance(value, str)]
