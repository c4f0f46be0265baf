"""The daemon's own backups: made, shown, and no harm where they cannot be made."""

from __future__ import annotations

from pathlib import Path

from tests.lab.command import ringfence
from tests.lab.faults.stage import opened
from tests.lab.installation import Installation
from tests.scenarios.outage_steps import ORGANISATION, PLATFORM, call, status, until

# Of a key that nobody keeps: these are never opened.
RECIPIENT = "age1v2f6aafd9uqs0qjmq8vakk22ganpqspc9pg2wq4ufhn0s72evcvst7jfpk"
MORE = f"""
[backup]
recipients = ["{RECIPIENT}"]
directory = "{{directory}}/backups"
"""


async def test_one_is_made_at_the_start_and_shown(installation: Installation) -> None:
    async with opened(installation, ORGANISATION, platform=PLATFORM, more=MORE) as stage:

        async def made() -> bool:
            backup = (await status(stage))["backup"]
            return backup is not None and backup["newest_at"] is not None

        await until(stage, "a backup", made)
        (file,) = (stage.node.directory / "backups").iterdir()
        assert file.stat().st_mode & 0o777 == 0o600
        found = (await ringfence(stage.node, "backup", "list"))["backups"]
        assert [Path(one["file"]) for one in found] == [file]
        assert "ringfence_backup_age_seconds" in await stage.node.text("/metrics")


async def test_where_none_can_be_made_it_is_said_and_calls_go_on(installation: Installation) -> None:
    more = MORE.replace("{directory}/backups", "{directory}/ringfence.toml/backups")  # below a file: nowhere
    async with opened(installation, ORGANISATION, platform=PLATFORM, more=more) as stage:

        async def said() -> bool:
            backup = (await status(stage))["backup"]
            return bool(backup["late"] and "Not a directory" in backup["fault"])

        await until(stage, "the fault", said)
        assert any("no backup is younger" in alarm for alarm in (await status(stage))["alarms"])
        await stage.order("dr")

        async def diverted() -> bool:
            return await stage.published() == "divert"

        await until(stage, "DR", diverted)
        assert await call(stage, 0) == "person"
