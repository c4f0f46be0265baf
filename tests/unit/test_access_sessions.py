"""Sessions: how they begin, how long they live, how they end, and that none of it waits for the database."""

from __future__ import annotations

import asyncio
from collections.abc import Set

import pytest

from ringfence.app.access.leavers import LOOK_SECONDS, end_leavers
from ringfence.app.access.ports import NoSuchAccess, SignInRefused
from ringfence.app.access.sessions import MAX_OF_ONE_NAME, SessionLimits
from ringfence.app.access.storing import MAX_WAITING
from ringfence.app.ports import StoreError, StoreUnavailable
from ringfence.domain.access import GRANTS, Permission, Role, SignedInBy
from ringfence.domain.audit import MACHINE
from tests.fakes.access import ACCOUNT, ADMIN, PASSWORD, SOMEWHERE, FakeAccess
from tests.fakes.clock import FakeClock, settle

HOUR = 3600.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def access(clock: FakeClock) -> FakeAccess:
    return FakeAccess(clock, SessionLimits(lifetime=720, idle=60, break_glass=120))


async def test_a_session_is_who_signed_in_with_what_their_roles_grant(access: FakeAccess) -> None:
    token = await access.signed_in(Role.STAFF, Role.VIEWER, person="ada")
    caller = access.desk.session(token)
    assert caller is not None
    assert (caller.name, caller.by, caller.person) == ("ada@example.org", SignedInBy.OIDC, "ada")
    assert caller.permissions == GRANTS[Role.STAFF] | GRANTS[Role.VIEWER]
    assert caller.session == access.desk.sessions()[0].id


async def test_nobody_comes_in_without_a_role(access: FakeAccess) -> None:
    with pytest.raises(SignInRefused, match="no role"):
        await access.signed_in()
    assert access.desk.sessions() == []


async def test_the_token_is_stored_nowhere_and_shown_by_nothing(access: FakeAccess) -> None:
    new = await access.desk.begin_session("ada", frozenset({Role.VIEWER}), SignedInBy.OIDC)
    assert new.token not in repr(new)
    assert new.token not in repr(access.store.__dict__)
    assert new.row.digest not in repr(access.desk.sessions())
    for wrong in ("", new.row.id, new.row.digest, new.token[:-1], f"{new.token} "):
        assert access.desk.session(wrong) is None


async def test_each_sign_in_has_a_token_of_its_own(access: FakeAccess) -> None:
    tokens = {await access.signed_in(Role.VIEWER) for _ in range(5)}
    assert len(tokens) == len({row.id for row in access.desk.sessions()}) == 5


async def test_an_unused_session_ends_and_a_used_one_does_not(access: FakeAccess, clock: FakeClock) -> None:
    used, unused = await access.signed_in(Role.VIEWER), await access.signed_in(Role.VIEWER)
    await clock.advance(0.9 * HOUR)
    assert access.desk.session(used) is not None
    await clock.advance(0.2 * HOUR)
    assert access.desk.session(used) is not None
    assert access.desk.session(unused) is None


async def test_no_use_puts_off_the_end(access: FakeAccess, clock: FakeClock) -> None:
    token = await access.signed_in(Role.VIEWER)
    for _ in range(23):
        await clock.advance(HOUR / 2)
        assert access.desk.session(token) is not None
    await clock.advance(HOUR / 2)
    assert access.desk.session(token) is None
    assert access.desk.sessions() == []


async def test_a_break_glass_session_lives_two_hours(access: FakeAccess, clock: FakeClock) -> None:
    new = await access.desk.break_glass(ACCOUNT, PASSWORD, SOMEWHERE)
    for _ in range(3):
        await clock.advance(HOUR / 2)
        assert access.desk.session(new.token) is not None
    await clock.advance(HOUR / 2)
    assert access.desk.session(new.token) is None


async def test_a_wall_clock_that_somebody_sets_lengthens_nothing(access: FakeAccess, clock: FakeClock) -> None:
    token = await access.signed_in(Role.VIEWER)
    clock.step_wall(-30 * 24 * HOUR)
    assert access.desk.session(token) is not None
    await clock.advance(HOUR)
    assert access.desk.session(token) is None


async def test_what_is_ended_has_ended_at_once_and_after_a_restart(access: FakeAccess) -> None:
    kept, ended = await access.signed_in(Role.VIEWER), await access.signed_in(Role.VIEWER)
    caller = access.desk.session(ended)
    assert caller is not None
    await access.desk.end_session(caller.session, ADMIN, "left the company")
    assert access.desk.session(ended) is None
    desk = access.restarted()
    await desk.load()
    assert desk.session(ended) is None
    assert desk.session(kept) is not None
    with pytest.raises(NoSuchAccess):
        await access.desk.end_session(caller.session, ADMIN)
    last = access.store.facts[-1]
    assert (last.action, last.who, last.about, last.why) == (
        "session_revoked",
        "root",
        "ada@example.org",
        "left the company",
    )


async def test_what_has_ended_while_it_was_being_read_stays_ended(access: FakeAccess) -> None:
    desk = access.restarted()
    new = await desk.begin_session("ada", frozenset({Role.ADMIN}), SignedInBy.OIDC)
    answer, access.store.sessions = access.store.sessions, {}
    await desk.end_session(new.row.id)
    access.store.sessions = answer  # what the store had read before
    await desk.load()
    assert desk.session(new.token) is None


async def test_all_sessions_of_one_person_end(access: FakeAccess) -> None:
    tokens = [await access.signed_in(Role.VIEWER) for _ in range(3)]
    other = await access.signed_in(Role.VIEWER, name="bob@example.org")
    assert await access.desk.end_sessions_of("ada@example.org", ADMIN) == 3
    assert [access.desk.session(token) for token in tokens] == [None] * 3
    assert access.desk.session(other) is not None


async def test_signing_out_is_no_revocation(access: FakeAccess) -> None:
    await access.signed_in(Role.VIEWER)
    await access.desk.end_session(access.desk.sessions()[0].id)
    assert access.store.actions() == ["session_begun", "session_ended"]
    assert access.store.facts[-1].who == "ada@example.org"


async def test_people_come_in_while_the_database_is_down_and_it_is_stored_later(access: FakeAccess) -> None:
    access.store.fault = StoreUnavailable("The database does not answer.")
    token = await access.signed_in(Role.HELPDESK)
    caller = access.desk.session(token)
    assert caller is not None and caller.may(Permission.ORDER)
    assert access.desk.unstored == 1
    access.store.fault = None
    await access.desk.tidy()
    assert access.store.actions()[0] == "session_begun"
    assert access.desk.unstored == 0
    desk = access.restarted()
    await desk.load()
    assert desk.session(token) is not None


async def test_what_cannot_be_stored_as_ended_has_ended_here_and_is_said(access: FakeAccess) -> None:
    token = await access.signed_in(Role.VIEWER)
    access.store.fault = StoreUnavailable("The database does not answer.")
    with pytest.raises(StoreError, match="could not be stored"):
        await access.desk.end_session(access.desk.sessions()[0].id, ADMIN)
    assert access.desk.session(token) is None
    access.store.fault = None
    await access.desk.tidy()
    assert access.store.sessions == {}


async def test_the_last_use_is_stored_once_a_minute_and_never_brings_a_session_back(
    access: FakeAccess, clock: FakeClock
) -> None:
    token = await access.signed_in(Role.VIEWER)
    await access.desk.tidy()
    commits = access.store.commits
    for _ in range(10):
        await clock.advance(1)
        access.desk.session(token)
    assert access.store.commits == commits
    await access.desk.tidy()
    assert access.store.commits == commits + 1
    (row,) = access.store.sessions.values()
    assert row.seen == clock.now().wall
    access.desk.session(token)
    await access.desk.end_session(row.id)
    await access.desk.tidy()
    assert access.store.sessions == {}


async def test_a_restart_gives_no_session_another_hour(access: FakeAccess, clock: FakeClock) -> None:
    token = await access.signed_in(Role.VIEWER)
    await clock.advance(0.7 * HOUR)
    desk = access.restarted()
    await desk.load()
    await clock.advance(0.2 * HOUR)
    found = desk.sessions()
    assert len(found) == 1
    await clock.advance(0.2 * HOUR)
    assert desk.session(token) is None
    await desk.tidy()
    assert access.store.sessions == {}


async def test_the_oldest_of_too_many_sessions_of_one_name_makes_room(access: FakeAccess, clock: FakeClock) -> None:
    first = await access.signed_in(Role.VIEWER)
    for _ in range(MAX_OF_ONE_NAME):
        await clock.advance(1)
        await access.signed_in(Role.VIEWER)
    assert access.desk.session(first) is None
    assert len(access.desk.sessions()) == len(access.store.sessions) == MAX_OF_ONE_NAME


async def test_the_sign_ins_of_people_who_have_left_are_over_within_a_minute(
    access: FakeAccess, clock: FakeClock
) -> None:
    gone: set[str] = set()

    async def left(people: Set[str]) -> frozenset[str]:
        return frozenset(people & gone)

    ada = await access.signed_in(Role.HELPDESK, person="ada")
    bob = await access.signed_in(Role.HELPDESK, name="bob", person="bob")
    task = asyncio.create_task(end_leavers(access.desk, left, clock))
    await settle()
    assert access.desk.session(ada) is not None
    gone.add("ada")
    await clock.advance(LOOK_SECONDS)
    assert access.desk.session(ada) is None
    assert access.desk.session(bob) is not None
    task.cancel()
    fact = access.store.facts[-1]
    assert (fact.action, fact.about) == ("session_revoked", "ada@example.org")
    assert (fact.who, fact.why) == (MACHINE, "they have left")


async def test_somebody_who_is_called_like_a_sealed_account_ends_none_of_its_sessions(access: FakeAccess) -> None:
    sealed = await access.desk.break_glass(ACCOUNT, PASSWORD, SOMEWHERE)
    for _ in range(MAX_OF_ONE_NAME + 1):
        await access.signed_in(Role.STAFF, name=ACCOUNT)
    assert access.desk.session(sealed.token) is not None


async def test_wrong_passwords_without_a_database_do_not_fill_the_memory(access: FakeAccess, clock: FakeClock) -> None:
    access.store.fault = StoreUnavailable("The database does not answer.")
    for number in range(MAX_WAITING + 5):
        with pytest.raises(SignInRefused):
            await access.desk.break_glass("nobody", "wrong", f"address {number}")
    assert access.desk.unstored == MAX_WAITING
    await access.desk.break_glass(ACCOUNT, PASSWORD, SOMEWHERE)
    assert access.desk.unstored == MAX_WAITING + 1
