"""The sealed accounts: they open without anything else, they lock, and nobody uses them quietly."""

from __future__ import annotations

import asyncio
import logging

import pytest

from ringfence.app.access.lockout import FIRST_LOCK_SECONDS, WRONG_BEFORE_LOCKED
from ringfence.app.access.ports import SealedAccountsFault, SignInRefused, TooManyAttempts
from ringfence.app.ports import StoreUnavailable
from ringfence.domain.access import Permission, Role, SignedInBy
from ringfence.domain.notice import NoticeKind, Severity
from tests.fakes.access import ACCOUNT, ADMIN, OTHER_ACCOUNT, PASSWORD, SOMEWHERE, FakeAccess
from tests.fakes.clock import FakeClock

ELSEWHERE = "192.0.2.8"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def access(clock: FakeClock) -> FakeAccess:
    return FakeAccess(clock)


async def wrong(access: FakeAccess, times: int, account: str = ACCOUNT, address: str = SOMEWHERE) -> None:
    for _ in range(times):
        with pytest.raises(SignInRefused) as refused:
            await access.desk.break_glass(account, "wrong", address)
        assert not isinstance(refused.value, TooManyAttempts)


async def test_the_right_password_opens_everything_and_is_loud(access: FakeAccess) -> None:
    new = await access.desk.break_glass(ACCOUNT, PASSWORD, SOMEWHERE)
    caller = access.desk.session(new.token)
    assert caller is not None and caller.by is SignedInBy.BREAK_GLASS
    assert all(caller.may(one) for one in (Permission.ORDER, Permission.MANAGE, Permission.REVEAL))
    (notice,) = access.notices
    assert (notice.kind, notice.severity) == (NoticeKind.ACCESS, Severity.CRITICAL)
    assert ACCOUNT in notice.title and SOMEWHERE in notice.text
    (fact,) = access.store.facts
    assert (fact.action, fact.about, fact.detail["address"]) == ("break_glass_used", ACCOUNT, SOMEWHERE)
    assert PASSWORD not in repr((notice, fact))


async def test_it_opens_while_the_database_is_down(access: FakeAccess) -> None:
    access.store.fault = StoreUnavailable("The database does not answer.")
    new = await access.desk.break_glass(ACCOUNT, PASSWORD, SOMEWHERE)
    assert access.desk.session(new.token) is not None
    assert len(access.notices) == 1
    access.store.fault = None
    await access.desk.tidy()
    assert "break_glass_used" in access.store.actions()


@pytest.mark.parametrize("typed", ["open sesame", "OPEN-SESAME", " opensesame\n", "open - sesame"])
async def test_groups_may_be_typed_in_any_way(access: FakeAccess, typed: str) -> None:
    await access.desk.break_glass(ACCOUNT, typed, SOMEWHERE)


async def test_five_wrong_passwords_lock_the_account_from_everywhere(access: FakeAccess) -> None:
    for number in range(WRONG_BEFORE_LOCKED):
        await wrong(access, 1, address=f"192.0.2.{100 + number}")
    asked = access.hasher.asked
    with pytest.raises(TooManyAttempts) as locked:
        await access.desk.break_glass(ACCOUNT, PASSWORD, ELSEWHERE)
    assert locked.value.retry_after_seconds == FIRST_LOCK_SECONDS
    assert access.hasher.asked == asked
    assert [notice.severity for notice in access.notices] == [Severity.CRITICAL]
    assert access.store.actions() == ["wrong_password"] * 5 + ["locked"]
    await access.desk.break_glass(OTHER_ACCOUNT, "another", ELSEWHERE)


async def test_another_address_of_the_same_network_does_not_help(access: FakeAccess) -> None:
    for number in range(WRONG_BEFORE_LOCKED):
        await wrong(access, 1, account=f"guess {number}", address=f"2001:db8:1:2::{number + 1}")
    with pytest.raises(TooManyAttempts):
        await access.desk.break_glass(ACCOUNT, PASSWORD, "2001:db8:1:2:abcd::1")
    await access.desk.break_glass(ACCOUNT, PASSWORD, "2001:db8:1:3::1")


async def test_wrong_passwords_for_many_accounts_lock_the_address(access: FakeAccess) -> None:
    for number in range(WRONG_BEFORE_LOCKED):
        await wrong(access, 1, account=f"guess {number}")
    with pytest.raises(TooManyAttempts):
        await access.desk.break_glass(ACCOUNT, PASSWORD, SOMEWHERE)
    await access.desk.break_glass(ACCOUNT, PASSWORD, ELSEWHERE)


async def test_each_lock_is_twice_as_long_as_the_one_before(access: FakeAccess, clock: FakeClock) -> None:
    for minutes in (15, 30, 60):
        await wrong(access, WRONG_BEFORE_LOCKED)
        await clock.advance(minutes * 60 - 1)
        with pytest.raises(TooManyAttempts):
            await access.desk.break_glass(ACCOUNT, PASSWORD, SOMEWHERE)
        await clock.advance(1)
    await access.desk.break_glass(ACCOUNT, PASSWORD, SOMEWHERE)
    await wrong(access, WRONG_BEFORE_LOCKED)
    await clock.advance(15 * 60)
    await access.desk.break_glass(ACCOUNT, PASSWORD, SOMEWHERE)


async def test_a_name_that_is_no_account_takes_as_long_and_ends_in_no_record(access: FakeAccess) -> None:
    await wrong(access, 1, account="my password in the wrong field")
    assert access.hasher.asked == 1
    assert "my password" not in repr((access.store.facts, access.notices))


async def test_hashes_are_made_one_by_one_and_a_crowd_is_turned_away(access: FakeAccess) -> None:
    tries = [access.desk.break_glass("nobody", "wrong", f"192.0.2.{number}") for number in range(30)]
    found = await asyncio.gather(*tries, return_exceptions=True)
    turned_away = [one for one in found if isinstance(one, TooManyAttempts)]
    assert (len(turned_away), access.hasher.asked) == (22, 8)


async def test_those_who_wait_for_the_fifth_wrong_password_are_locked_too(access: FakeAccess) -> None:
    tries = [access.desk.break_glass(ACCOUNT, "wrong", f"192.0.2.{number}") for number in range(8)]
    await asyncio.gather(*tries, return_exceptions=True)
    assert access.hasher.asked == WRONG_BEFORE_LOCKED


async def test_a_file_that_cannot_be_read_opens_nothing(access: FakeAccess) -> None:
    access.accounts.fault = SealedAccountsFault("The file is not there.")
    with pytest.raises(SealedAccountsFault):
        await access.desk.break_glass(ACCOUNT, PASSWORD, SOMEWHERE)
    await access.desk.tidy()
    access.accounts.fault, access.accounts.hashes = None, {}
    await wrong(access, 1)


async def test_a_renewed_password_ends_the_sessions_of_the_old_one_and_undoes_the_lock(access: FakeAccess) -> None:
    await access.desk.tidy()
    assert access.notices == []
    assert set(access.store.actions()) == {"break_glass_made"}
    new = await access.desk.break_glass(ACCOUNT, PASSWORD, SOMEWHERE)
    await wrong(access, WRONG_BEFORE_LOCKED, address=ELSEWHERE)
    access.accounts.hashes[ACCOUNT] = "hash of fresh"
    assert await access.desk.note_renewed(ADMIN) == [ACCOUNT]
    assert access.desk.session(new.token) is None
    assert (access.store.facts[-2].action, access.store.facts[-2].who) == ("break_glass_renewed", "root")
    assert "renewed" in access.notices[-1].title
    await access.desk.break_glass(ACCOUNT, "fresh", ELSEWHERE)
    assert await access.desk.note_renewed(ADMIN) == []


async def test_a_session_of_the_old_password_does_not_come_back_with_the_database(
    access: FakeAccess, clock: FakeClock
) -> None:
    await access.desk.tidy()
    old = await access.desk.break_glass(ACCOUNT, PASSWORD, SOMEWHERE)
    other = await access.signed_in(Role.ADMIN, name=ACCOUNT)
    await clock.advance(60)
    desk = access.restarted()
    access.accounts.hashes[ACCOUNT] = "hash of fresh"
    access.store.fault = StoreUnavailable("The disk is full.")
    await desk.note_renewed(ADMIN)
    new = await desk.break_glass(ACCOUNT, "fresh", SOMEWHERE)
    access.store.fault = None
    await desk.load()
    assert desk.session(old.token) is None
    assert desk.session(new.token) is not None
    assert desk.session(other) is not None
    assert old.row.id not in access.store.sessions


async def test_a_password_that_was_renewed_unseen_is_told_after_a_restart(access: FakeAccess) -> None:
    await access.desk.tidy()
    access.accounts.hashes[OTHER_ACCOUNT] = "hash of somebody else's"
    desk = access.restarted()
    await desk.load()
    await desk.tidy()
    assert [OTHER_ACCOUNT in notice.title for notice in access.notices] == [True]
    views = {view.name: view for view in await desk.sealed_accounts()}
    assert views[ACCOUNT].used is None and views[ACCOUNT].renewed is not None


async def test_an_account_used_before_the_store_was_read_counts_as_known(access: FakeAccess) -> None:
    await access.desk.tidy()
    desk = access.restarted()
    new = await desk.break_glass(ACCOUNT, PASSWORD, SOMEWHERE)
    await desk.load()
    await desk.tidy()
    assert [notice.title for notice in access.notices] == [f"{ACCOUNT} was used"]
    assert desk.session(new.token) is not None


async def test_accounts_that_cannot_be_read_are_said_once(access: FakeAccess, caplog: pytest.LogCaptureFixture) -> None:
    """It is looked at each minute: a file that was removed on purpose must not fill the log."""
    caplog.set_level(logging.INFO)
    for fault in ("no such file", "no such file", "not for us to read", None, None):
        access.accounts.fault = None if fault is None else SealedAccountsFault(fault, "Renew them.")
        await access.desk.tidy()
    told = [(record.levelname, getattr(record, "reason", "")) for record in caplog.records]
    assert [(level, reason.split(" Renew")[0]) for level, reason in told] == [
        ("ERROR", "no such file"),
        ("ERROR", "not for us to read"),
        ("INFO", ""),
    ]
