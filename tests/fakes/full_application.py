"""The application with every part that there is, to be looked at rather than asked."""

from __future__ import annotations

from fastapi import FastAPI

from ringfence.web.app import operations
from tests.fakes.roster_node import RosterNode


def full_application() -> FastAPI:
    return operations(RosterNode().services)
