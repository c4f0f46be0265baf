"""The pages of those use cases that a node may lack."""

from __future__ import annotations

from fastapi import APIRouter

from ringfence.web.noting import Noting
from ringfence.web.pages import (
    access_page,
    audit_page,
    incidents_page,
    missed_page,
    notices_page,
    own_page,
    reveal_page,
)
from ringfence.web.pages.frame import Frame
from ringfence.web.ports import Services


def routes(frame: Frame, services: Services) -> list[APIRouter]:
    """To be put before the page of a person: a reveal has an address below it."""
    operator = services.operator
    found = []
    if services.roster is not None:
        found.append(own_page.routes(frame, services.roster, operator))
    if services.incidents is not None:
        found.append(incidents_page.routes(frame, services.incidents))
        found.append(missed_page.routes(frame, services.incidents))
    if services.audit is not None:
        found.append(audit_page.routes(frame, services.audit.book, operator))
        if services.audit.revealer is not None:
            found.append(reveal_page.routes(frame, services.audit.revealer))
    if services.notices is not None:
        noting = Noting(None if services.audit is None else services.audit.auditor, operator.now)
        found.append(notices_page.routes(frame, services.notices, noting))
    if services.access is not None:
        found.append(access_page.routes(frame, services.access, operator))
    return found
