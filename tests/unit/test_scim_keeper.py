"""What was pushed and what the roster knows never part for long, whatever fails in between."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from ringfence.app.hr.scim_ports import ScimKind, ScimNameTaken, ScimResource
from ringfence.app.ports import StoreUnavailable
from ringfence.domain.hr.record import Batch
from ringfence.hr.scim.keeper import ScimKeeper, new_version
from ringfence.hr.scim.records import RecordReader
from tests.fakes.clock import NOON
from tests.fakes.scim_store import FakeScimStore
from tests.integration.scim_site import FakeRoster, scim_settings

DUTY = "duty team"


class Kept:
    """A keeper on a store and a roster that can be made to fail."""

    def __init__(self, on_call_group: str = "") -> None:
        self.store = FakeScimStore()
        self.roster = FakeRoster()
        reader = RecordReader(scim_settings(on_call_group=on_call_group), "GB")
        self.keeper = ScimKeeper(self.store, self.roster.take, reader, on_call_group)

    def known(self) -> dict[str, bool | None]:
        """What the roster knows of each user: active or not; who is gone is left out."""
        known: dict[str, bool | None] = {}
        for batch in self.roster.batches:
            known.update({record.id: record.active for record in batch.records})
            for id_ in batch.gone:
                known.pop(id_, None)
        return known

    def stored(self) -> dict[str, bool | None]:
        return {row.id: row.body.get("active") for row in self.store.rows.values() if row.kind is ScimKind.USER}


def user(id_: str = "u1", **body: Any) -> ScimResource:
    content = {"userName": id_, "externalId": f"E-{id_}", "active": True, **body}
    return ScimResource(ScimKind.USER, id_, new_version(), NOON, NOON, id_, content["externalId"], content)


def group(name: str, *members: str) -> ScimResource:
    body = {"displayName": name, "members": [{"value": id_} for id_ in members]}
    return ScimResource(ScimKind.GROUP, "g1", new_version(), NOON, NOON, name, "", body)


def changed(before: ScimResource, **body: Any) -> ScimResource:
    return replace(before, version=new_version(), body={**before.body, **body})


@pytest.mark.parametrize("undo_fails", [False, True])
@pytest.mark.parametrize("what", ["create", "change", "remove"])
async def test_a_change_that_the_roster_refuses_is_undone_or_told_later(what: str, undo_fails: bool) -> None:
    kept, first = Kept(), user()
    if what != "create":
        await kept.keeper.create(first)
    before = kept.stored()
    kept.roster.refuses = 1
    if undo_fails:
        kept.store.fails_after, kept.store.fails = 1, 1
    with pytest.raises(StoreUnavailable):
        if what == "create":
            await kept.keeper.create(first)
        elif what == "change":
            await kept.keeper.change(first, changed(first, active=False))
        else:
            await kept.keeper.remove(first)
    assert kept.keeper.is_in_doubt is undo_fails
    assert (kept.stored() == before) is not undo_fails
    if undo_fails:
        await kept.keeper.settle()
    assert kept.known() == kept.stored()
    assert not kept.keeper.is_in_doubt


async def test_what_may_or_may_not_have_been_stored_is_looked_up_and_told() -> None:
    kept, first = Kept(), user()
    kept.store.fails = 1
    with pytest.raises(StoreUnavailable):
        await kept.keeper.create(first)
    kept.store.rows[first.id] = first  # the abandoned write came through after all
    await kept.keeper.settle()
    assert kept.known() == kept.stored() == {"u1": True}


async def test_settling_is_tried_until_the_roster_takes_it() -> None:
    kept, first = Kept(), user()
    kept.store.fails_after, kept.store.fails, kept.roster.refuses = 1, 1, 3
    with pytest.raises(StoreUnavailable):
        await kept.keeper.create(first)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await kept.keeper.settle()
        assert kept.keeper.is_in_doubt
    await kept.keeper.settle()
    assert kept.known() == kept.stored()


async def test_a_fault_of_ours_with_one_user_does_not_stop_the_others_for_ever() -> None:
    kept, first = Kept(), user()

    async def broken(batch: Batch) -> None:
        raise ZeroDivisionError

    broken_keeper = ScimKeeper(kept.store, broken, RecordReader(scim_settings(), "GB"))
    with pytest.raises(ZeroDivisionError):
        await broken_keeper.create(first)
    assert broken_keeper.is_in_doubt
    with pytest.raises(ZeroDivisionError):
        await broken_keeper.settle()
    assert not broken_keeper.is_in_doubt


async def test_a_taken_name_and_an_outdated_version_leave_no_doubt() -> None:
    kept, first = Kept(), user()
    await kept.keeper.create(first)
    with pytest.raises(ScimNameTaken):
        await kept.keeper.create(replace(user("u2"), name="u1"))
    await kept.keeper.create(user("u3"))
    with pytest.raises(ScimNameTaken):
        await kept.keeper.change(kept.store.rows["u3"], replace(changed(kept.store.rows["u3"]), name="u1"))
    outdated = replace(first, version="before")
    assert await kept.keeper.change(outdated, changed(first)) is False
    assert await kept.keeper.remove(outdated) is False
    assert not kept.keeper.is_in_doubt
    assert len(kept.roster.batches) == 2


async def test_members_that_could_not_be_told_are_told_later() -> None:
    kept = Kept(DUTY)
    for id_ in ("u1", "u2", "u3"):
        await kept.keeper.create(user(id_))
    kept.roster.refuses = 1
    kept.store.fails_after, kept.store.fails = 1, 1
    with pytest.raises(StoreUnavailable):
        await kept.keeper.create(group(DUTY, "u1", "u3", "no-such-user"))
    await kept.keeper.settle()
    told = {record.id: record.on_call for batch in kept.roster.batches for record in batch.records}
    assert told == {"u1": True, "u2": False, "u3": True}


async def test_only_those_whose_duty_changes_are_told_and_only_of_the_group_that_counts() -> None:
    kept = Kept(DUTY)
    for id_ in ("u1", "u2"):
        await kept.keeper.create(user(id_))
    one = group(DUTY, "u1")
    await kept.keeper.create(one)
    await kept.keeper.change(one, changed(one, members=[{"value": "u1"}, {"value": "u2"}]))
    assert [(record.id, record.on_call) for record in kept.roster.batches[-1].records] == [("u2", True)]
    await kept.keeper.create(replace(group("others", "u1", "u2"), id="g2"))
    assert len(kept.roster.batches) == 4


async def test_everything_is_a_delta_with_all_users_in_pages_and_their_duty() -> None:
    kept = Kept(DUTY)
    for n in range(450):
        row = user(f"u{n:03}")
        kept.store.rows[row.id] = row
    kept.store.rows["g1"] = group(DUTY, "u007")
    batch = await kept.keeper.everything()
    assert ([record.id for record in batch.records], batch.rows) == ([f"u{n:03}" for n in range(450)], 450)
    assert [record.id for record in batch.records if record.on_call] == ["u007"]
    assert not batch.complete


class SlowStore(FakeScimStore):
    async def get(self, kind: ScimKind, id_: str) -> ScimResource | None:
        await asyncio.sleep(0)
        return await super().get(kind, id_)


async def test_who_is_pushed_does_not_wait_until_all_numbers_are_erased() -> None:
    kept = Kept()
    kept.keeper.store = SlowStore()
    for number in range(50):
        await kept.keeper.store.add(user(f"u{number}", phoneNumbers=[{"value": "+447700900123"}]))
    erasing = asyncio.create_task(kept.keeper.erase_numbers([f"u{number}" for number in range(50)]))
    await asyncio.sleep(0)
    await kept.keeper.create(user("joiner"))
    assert not erasing.done()
    assert await erasing == 50
