"""What the dialplan has learnt of an identity is shown by a daemon that heard of it, and by one that was away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.lab.faults.stage import Stage, opened
from tests.lab.installation import Installation
from tests.scenarios.outage_steps import ORGANISATION, PLATFORM, log_lines, status, until
from tests.scenarios.site import QUICK


async def _identity(stage: Stage) -> Any:
    targets = (await status(stage))["targets"]
    return next(target["identity"] for target in targets if (target["role"], target["name"]) == ("trunk", "a"))


async def test_learnt_identity_is_shown(installation: Installation) -> None:
    async with opened(installation, ORGANISATION, platform=PLATFORM) as stage:
        did = stage.organisation.did(0)
        await stage.lab.platform.answer(503)
        carrier = replace(QUICK, takes_from=(did,), status=403, press="5", press_after_ms=0)
        await stage.lab.mobile_network.behave(carrier)
        assert await _identity(stage) is None
        assert (await stage.lab.caller.call(did, from_="+441632960777")).answered

        async def shown() -> bool:
            return bool(await _identity(stage))

        await until(stage, "the identity in the status", shown)
        seen = await _identity(stage)
        assert (seen["rung"], seen["status"]) == ("did", 403)
        assert "ringfence_identities_lowered 1.0" in await stage.node.text("/metrics")

        await stage.node.process.kill()
        await stage.node.start()
        await until(stage, "the identity in the status of the next daemon", shown)
        assert (await _identity(stage))["rung"] == "did"
        assert log_lines(stage, "refuses our identity") == 2, "one line by each daemon"
