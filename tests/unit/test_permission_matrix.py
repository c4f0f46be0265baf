"""Every operation, asked for by every role: the table decides, and who is refused changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest

from ringfence.domain.access import GRANTS, Permission, Role
from ringfence.web.permissions import FOR_ALL_WHO_ARE_KNOWN, OPERATIONS
from ringfence.web.security import BearerToken, SignIns
from tests.fakes.access import ADMIN
from tests.fakes.clock import NOON
from tests.fakes.doors import TOKEN, door, signed_in_door
from tests.fakes.full_application import full_application
from tests.fakes.node_state import state_of
from tests.fakes.roster_node import RosterNode
from tests.fakes.sample_requests import Sample, routes_of, samples

ALL = frozenset(OPERATIONS) | FOR_ALL_WHO_ARE_KNOWN
OPEN = frozenset({"healthz", "readyz", "metrics"})
STRANGER = None


APPLICATION = full_application()
SAMPLES = samples(APPLICATION, ALL)


@asynccontextmanager
async def loaded_node() -> AsyncIterator[RosterNode]:
    node = RosterNode()
    async with node.running():
        await node.load_first()
        yield node


def granted(operation: str, permissions: frozenset[Permission]) -> bool:
    return operation in FOR_ALL_WHO_ARE_KNOWN or OPERATIONS[operation] in permissions


async def ask(client: httpx.AsyncClient, sample: Sample) -> httpx.Response:
    return await client.request(sample.method, sample.path, params=sample.query, json=sample.json)


def test_every_operation_has_a_row_and_every_row_an_operation() -> None:
    there = {str(route.operation_id) for route in routes_of(APPLICATION)}
    assert there - OPEN - ALL == set(), "without a row"
    assert ALL - there == set(), "without an operation"
    assert not FOR_ALL_WHO_ARE_KNOWN & set(OPERATIONS)


def test_every_guarded_path_of_the_document_is_asked_for() -> None:
    document = APPLICATION.openapi()
    there = {
        (path, method.upper()) for path, of in document["paths"].items() if path.startswith("/v1") for method in of
    }
    asked = {(route.path, method) for route in routes_of(APPLICATION) for method in route.methods}
    assert there - asked == set()
    assert len(there) == len({(s.operation, s.method) for s in SAMPLES if not s.is_page})


@pytest.mark.parametrize("role", [*Role, STRANGER], ids=str)
async def test_who_may_not_is_refused_and_changes_nothing(role: Role | None) -> None:
    async with loaded_node() as node:
        roles = () if role is STRANGER else (role,)
        permissions = frozenset() if role is STRANGER else GRANTS[role]
        way_in = door(node, SignIns(BearerToken(TOKEN), node.access.desk), {}) if role is STRANGER else None
        async with way_in or signed_in_door(node, *roles) as client:
            before = state_of(node)
            for sample in SAMPLES:
                known = role is not STRANGER
                if known and granted(sample.operation, permissions):
                    continue
                answer = await ask(client, sample)
                if sample.is_page and not known:
                    assert answer.status_code in (303, 401, 403), sample
                else:
                    assert answer.status_code == (403 if known else 401), (sample, answer.text)
                assert state_of(node) == before, sample


@pytest.mark.parametrize("role", list(Role))
async def test_who_may_is_not_refused(role: Role) -> None:
    async with loaded_node() as node, signed_in_door(node, role) as client:
        for sample in SAMPLES:
            if granted(sample.operation, GRANTS[role]) and not sample.is_page:
                answer = await ask(client, sample)
                assert answer.status_code not in (401, 403, 405, 500), (sample, answer.text)


@pytest.mark.parametrize("permission", [one for one in Permission if one is not Permission.OWN])
async def test_a_key_may_what_its_one_permission_grants(permission: Permission) -> None:
    async with loaded_node() as node:
        desk = node.access.desk
        new = await desk.create_key("one", frozenset({permission}), NOON + timedelta(days=9), ADMIN)
        async with door(node, SignIns(BearerToken(TOKEN), desk), {"Authorization": f"Bearer {new.token}"}) as client:
            refused = [s for s in SAMPLES if not s.is_page and not granted(s.operation, frozenset({permission}))]
            before = state_of(node)
            assert {(await ask(client, sample)).status_code for sample in refused} == {403}
            assert state_of(node) == before
            for sample in SAMPLES:
                if not sample.is_page and granted(sample.operation, frozenset({permission})):
                    assert (await ask(client, sample)).status_code not in (401, 403, 500), sample


@pytest.mark.parametrize(
    "operation", ["set_override", "enter_numbers", "enter_away", "enter_leaving", "create_access_key"]
)
async def test_the_samples_would_change_something(operation: str) -> None:
    """Else that nothing changed would prove nothing."""
    async with loaded_node() as node, signed_in_door(node, Role.ADMIN) as client:
        before = state_of(node)
        (sample,) = (one for one in SAMPLES if one.operation == operation)
        answer = await ask(client, sample)
        assert answer.status_code == 200, answer.text
        assert state_of(node) != before
