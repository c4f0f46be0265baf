"""A key that is given to somebody while the imported directory knows another person by it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringfence.app.operator import NotNow
from ringfence.domain.directory import DefaultNumber, DidAssignment, Directory, Person, PersonKey, Site
from ringfence.domain.hr.record import HrRecord
from tests.fakes.roster_site import RECEPTION, RosterSite, did, mobile, whole


def imported(*keys: str) -> Directory:
    people = [Person(PersonKey(key), f"P{n}", "Leeds", (DefaultNumber(mobile(n)),)) for n, key in enumerate(keys)]
    owned = [DidAssignment(did(n), PersonKey(key), "Leeds", "uc") for n, key in enumerate(keys)]
    return Directory.of(people, owned, [Site("Leeds", RECEPTION)])


async def test_a_key_of_another_imported_person_is_refused_until_the_import_has_the_new_keys() -> None:
    rest = [f"k{n}" for n in range(2, 20)]
    site = RosterSite(imported("k0", "k1", *rest))
    async with site.running():
        accounts = [HrRecord(f"guid-{n}", PersonKey(f"k{n}"), active=True) for n in range(20)]
        await site.approve((await site.hear(whole(*accounts))).plan)
        accounts[:2] = [replace(accounts[0], key=PersonKey("k99")), replace(accounts[1], key=PersonKey("k0"))]
        plan = (await site.hear(whole(*accounts))).plan
        with pytest.raises(NotNow) as refused:
            await site.approve(plan)
        assert "give somebody the key k0: it is P0 in the imported directory, and k1 is P1" in str(refused.value)
        now = await site.directories.load()
        new = imported("k99", "k0", *rest)
        stored = await site.directories.replace(now, new, "ops", "new keys", site.clock.now().wall)
        await site.desk.rebase(stored)
        await site.approve(plan)
        assert (site.rings(0), site.rings(1)) == (True, True)
        accounts[0] = replace(accounts[0], active=False)
        await site.hear(whole(*accounts))
        assert not site.rings(0)
