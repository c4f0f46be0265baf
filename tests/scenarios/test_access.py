"""The daemon's own users: enough for its work, and for nothing else."""

from __future__ import annotations

import aiohttp

from tests.scenarios.ami import Ami
from tests.scenarios.site import CallSite
from tests.scenarios.site_files import DAEMON_SECRET


async def test_ami_user_may_publish_and_sweep_and_no_more(site: CallSite) -> None:
    ami = await Ami.login(site.asterisk, "ringfence", DAEMON_SECRET)
    assert "Success" in await ami.act("DBPut", Family="ringfence/node", Key="x", Val="1")
    assert "No such channel" in await ami.act("Hangup", Channel="PJSIP/none-00000001", Cause=34)
    for answer in (
        await ami.act("Originate", Channel="Local/s@x", Application="System", Data="id"),
        await ami.act("Command", Command="core show version"),
        await ami.act("UpdateConfig", SrcFilename="manager.conf", DstFilename="manager.conf"),
        await ami.act("UserEvent", UserEvent="RingfenceCall"),
    ):
        assert "Permission denied" in answer
    ami.close()


async def test_ari_user_is_let_in_and_strangers_are_not(site: CallSite) -> None:
    url = f"http://127.0.0.1:{site.asterisk.ports.http}/ari/asterisk/ping"
    for secret, status in ((DAEMON_SECRET, 200), ("wrong", 401)):
        headers = {"Authorization": aiohttp.encode_basic_auth("ringfence", secret)}
        async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
            assert answer.status == status
