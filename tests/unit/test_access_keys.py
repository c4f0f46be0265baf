"""API keys: shown once, no more than their maker may, and of no use once revoked or expired."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from ringfence.app.access.ports import KeyRefused, NoSuchAccess
from ringfence.app.ports import StoreError, StoreUnavailable
from ringfence.domain.access import EVERYTHING, Caller, Permission, SignedInBy
from tests.fakes.access import ACCOUNT, ADMIN, PASSWORD, SOMEWHERE, FakeAccess
from tests.fakes.clock import NOON, FakeClock

MONTH = NOON + timedelta(days=30)
SEE = frozenset({Permission.SEE})


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def access(clock: FakeClock) -> FakeAccess:
    return FakeAccess(clock)


async def test_a_key_is_shown_once_and_stored_as_a_digest(access: FakeAccess) -> None:
    new = await access.desk.create_key("monitoring", SEE, MONTH, ADMIN)
    assert re.fullmatch(r"rf_[a-z]{12}_[A-Za-z0-9_-]{43}", new.token)
    caller = access.desk.key(new.token)
    assert caller is not None
    assert (caller.name, caller.permissions, caller.by) == ("monitoring (key)", SEE, SignedInBy.KEY)
    assert new.token not in repr((access.store.__dict__, new, access.desk.keys()))
    (fact,) = access.store.facts
    assert (fact.action, fact.about, fact.who) == ("key_created", "monitoring", "root")


async def test_what_is_not_quite_the_key_is_none(access: FakeAccess) -> None:
    new = await access.desk.create_key("monitoring", SEE, MONTH, ADMIN)
    other = await access.desk.create_key("other", SEE, MONTH, ADMIN)
    mixed = f"rf_{new.row.id}_{other.token.split('_', 2)[2]}"
    for wrong in ("", "rf", "rf_", f"rf_{new.row.id}", f"rf_{new.row.id}_", mixed, new.token[:-1], new.token + "x"):
        assert access.desk.key(wrong) is None, wrong


@pytest.mark.parametrize(
    ("permissions", "creator", "field"),
    [
        (frozenset({Permission.MANAGE}), Caller("ann", SEE, SignedInBy.OIDC), "permissions"),
        (frozenset[Permission](), ADMIN, "permissions"),
        (frozenset({Permission.OWN}), ADMIN, "permissions"),
        (SEE, Caller("bot (key)", EVERYTHING, SignedInBy.KEY), "permissions"),
    ],
)
async def test_a_key_may_no_more_than_its_maker(
    access: FakeAccess, permissions: frozenset[Permission], creator: Caller, field: str
) -> None:
    with pytest.raises(KeyRefused) as refused:
        await access.desk.create_key("monitoring", permissions, MONTH, creator)
    assert refused.value.field == field
    assert access.store.keys == {} and access.desk.keys() == []


@pytest.mark.parametrize(
    ("name", "days", "field"),
    [
        ("", 1, "name"),
        ("x" * 61, 1, "name"),
        ("a\nb", 1, "name"),
        ("ok", 0, "expires"),
        ("ok", -1, "expires"),
        ("ok", 732, "expires"),
    ],
)
async def test_a_key_needs_a_name_and_an_end(access: FakeAccess, name: str, days: int, field: str) -> None:
    with pytest.raises(KeyRefused) as refused:
        await access.desk.create_key(name, SEE, NOON + timedelta(days=days), ADMIN)
    assert refused.value.field == field


async def test_two_valid_keys_do_not_share_a_name(access: FakeAccess) -> None:
    first = await access.desk.create_key("monitoring", SEE, MONTH, ADMIN)
    with pytest.raises(KeyRefused):
        await access.desk.create_key("monitoring", SEE, MONTH, ADMIN)
    await access.desk.revoke_key(first.row.id, ADMIN)
    await access.desk.create_key("monitoring", SEE, MONTH, ADMIN)


async def test_a_revoked_key_is_of_no_use_now_and_after_a_restart(access: FakeAccess) -> None:
    new = await access.desk.create_key("monitoring", SEE, MONTH, ADMIN)
    await access.desk.revoke_key(new.row.id, ADMIN, "leaked")
    await access.desk.revoke_key(new.row.id, ADMIN, "once more")
    desk = access.restarted()
    await desk.load()
    assert access.desk.key(new.token) is desk.key(new.token) is None
    assert desk.keys()[0].revoked_by == "root"
    assert access.store.actions() == ["key_created", "key_revoked"]
    assert access.store.facts[-1].why == "leaked"
    with pytest.raises(NoSuchAccess):
        await access.desk.revoke_key("nokey", ADMIN)


async def test_an_expired_key_is_of_no_use(access: FakeAccess, clock: FakeClock) -> None:
    new = await access.desk.create_key("monitoring", SEE, NOON + timedelta(hours=1), ADMIN)
    await clock.advance(3599)
    assert access.desk.key(new.token) is not None
    await clock.advance(1)
    assert access.desk.key(new.token) is None


async def test_without_a_database_no_key_is_made_and_a_revoked_one_is_dead_all_the_same(access: FakeAccess) -> None:
    new = await access.desk.create_key("monitoring", SEE, MONTH, ADMIN)
    access.store.fault = StoreUnavailable("The database does not answer.")
    with pytest.raises(StoreUnavailable):
        await access.desk.create_key("other", SEE, MONTH, ADMIN)
    assert len(access.desk.keys()) == 1
    with pytest.raises(StoreError, match="could not be stored"):
        await access.desk.revoke_key(new.row.id, ADMIN)
    assert access.desk.key(new.token) is None
    access.store.fault = None
    await access.desk.tidy()
    assert access.store.keys[new.row.id].revoked is not None


async def test_a_key_made_in_an_emergency_ends_with_the_session(access: FakeAccess, clock: FakeClock) -> None:
    session = await access.desk.break_glass(ACCOUNT, PASSWORD, SOMEWHERE)
    emergency = access.desk.session(session.token)
    assert emergency is not None
    new = await access.desk.create_key("afterwards", SEE, MONTH, emergency)
    assert new.row.expires == session.row.until
    caller = access.desk.key(new.token)
    assert caller is not None and caller.made_by == ACCOUNT
    await clock.advance((session.row.until - clock.now().wall).total_seconds())
    assert access.desk.key(new.token) is None


async def test_the_last_use_is_shown_at_once_and_stored_with_the_next_minute(
    access: FakeAccess, clock: FakeClock
) -> None:
    new = await access.desk.create_key("monitoring", SEE, MONTH, ADMIN)
    assert access.desk.keys()[0].used is None
    await clock.advance(5)
    access.desk.key(new.token)
    assert access.desk.keys()[0].used == clock.now().wall
    assert access.store.keys[new.row.id].used is None
    await access.desk.tidy()
    assert access.store.keys[new.row.id].used == clock.now().wall
    commits = access.store.commits
    await access.desk.tidy()
    assert access.store.commits == commits
