"""The application with every part that there is, to be looked at rather than asked."""

from __future__ import annotations

from fastapi import FastAPI

from ringfence.web.app import create_app
from ringfence.web.security import BearerToken, SignIns
from tests.fakes.doors import TOKEN
from tests.fakes.roster_node import RosterNode


def full_application() -> FastAPI:
    node = RosterNode()
    return create_app(node.services, SignIns(BearerToken(TOKEN), node.access.desk))
