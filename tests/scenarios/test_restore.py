"""A machine that is lost, and what a backup brings back: proved with calls on a real Asterisk that knows nothing."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from tests.lab.command import ringfence
from tests.lab.faults.stage import opened
from tests.lab.installation import Installation
from tests.scenarios.outage_steps import ORGANISATION, PLATFORM, call, call_all, status

IN_DR = 2


async def test_an_empty_machine_rings_the_same_mobiles_in_dr(installation: Installation, tmp_path: Path) -> None:
    async with opened(installation, ORGANISATION, platform=PLATFORM) as stage:
        node, key = stage.node, tmp_path / "secret.key"
        order = {"mode": "dr", "reason": "a scenario", "did": ORGANISATION.did(IN_DR)}
        await node.must("PUT", "/v1/override", order)
        public = (await ringfence(node, "backup", "new-key", key))["recipient"]
        made = await ringfence(node, "backup", tmp_path, "--recipient", public, "--with-secrets")
        toml = node.config_path.read_text()

        await node.process.stop()
        shutil.rmtree(node.state_dir)
        for path in (node.config_path, *node.directory.glob("*_*")):
            path.unlink()
        await stage.lab.asterisk.db_delete_tree("ringfence")
        assert await call(stage, IN_DR) == "platform", "nothing is known"

        done = await ringfence(node, "restore", made["file"], "--identity", key)
        assert (node.config_path.read_text(), done["missing_secrets"]) == (toml, [])
        await node.start()
        await node.wait_table(ORGANISATION.dids)
        assert await call_all(stage, range(IN_DR + 1)) == ["platform"] * IN_DR + ["person"]
        await stage.order("dr")

        async def diverted() -> bool:
            return await stage.published() == "divert"

        while not await diverted():
            await asyncio.sleep(0)
        assert await call_all(stage, range(IN_DR + 1)) == ["person"] * (IN_DR + 1)
        assert not any("audit" in alarm for alarm in (await status(stage))["alarms"])
        assert (await node.must("GET", "/v1/audit/verify"))["holds"]
