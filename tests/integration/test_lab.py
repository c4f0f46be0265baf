"""The lab proves itself first: a fault that does not do what its name says proves nothing."""

from __future__ import annotations

from tests.lab.asterisk import AsteriskInstance, supports_no_progress_timeout
from tests.lab.fixtures import AsteriskFactory


async def test_asterisk_starts_and_has_what_the_data_plane_needs(
    asterisk: AsteriskInstance,
) -> None:
    assert await supports_no_progress_timeout(asterisk)
    for application in ("Dial", "Queue", "UserEvent", "Playback", "Stasis"):
        assert "Synopsis" in await asterisk.cli(f"core show application {application}")


async def test_astdb_survives_a_restart(asterisk: AsteriskInstance) -> None:
    await asterisk.db_put("ringfence/lab", "+441134960001", "1|x;y, z")
    await asterisk.restart()
    assert await asterisk.db_get("ringfence/lab", "+441134960001") == "1|x;y, z"
    assert await asterisk.db_show("ringfence") == {"/ringfence/lab/+441134960001": "1|x;y, z"}
    assert await asterisk.db_get("ringfence/lab", "absent") is None


async def test_two_instances_live_side_by_side(make_asterisk: AsteriskFactory) -> None:
    first, second = make_asterisk("first"), make_asterisk("second")
    await first.start()
    await second.start()
    assert first.ports != second.ports
    await first.kill()
    assert "System uptime" in await second.cli("core show uptime")
