"""The daemon's own users: enough for its work, and for nothing else."""

from __future__ import annotations

import asyncio

import aiohttp

from tests.scenarios.site import DAEMON_SECRET, CallSite


async def _ami(site: CallSite, *actions: str) -> list[str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.asterisk.ports.ami)
    answers = []
    login = f"Action: Login\r\nUsername: ringfence\r\nSecret: {DAEMON_SECRET}\r\nEvents: off"
    for action in (login, *actions):
        writer.write(f"{action}\r\n\r\n".encode())
        answers.append((await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).decode())
    writer.close()
    return answers[1:]


async def test_ami_user_may_publish_and_sweep(site: CallSite) -> None:
    put, hang_up = await _ami(
        site,
        "Action: DBPut\r\nFamily: ringfence/node\r\nKey: x\r\nVal: 1",
        "Action: Hangup\r\nChannel: PJSIP/none-00000001\r\nCause: 34",
    )
    assert "Success" in put
    assert "No such channel" in hang_up


async def test_ami_user_may_do_nothing_dangerous(site: CallSite) -> None:
    answers = await _ami(
        site,
        "Action: Originate\r\nChannel: Local/s@x\r\nApplication: System\r\nData: id",
        "Action: Command\r\nCommand: core show version",
        "Action: UpdateConfig\r\nSrcFilename: manager.conf\r\nDstFilename: manager.conf",
        "Action: UserEvent\r\nUserEvent: RingfenceCall",
    )
    assert all("Permission denied" in answer for answer in answers)


async def test_ari_user_is_let_in_and_strangers_are_not(site: CallSite) -> None:
    url = f"http://127.0.0.1:{site.asterisk.ports.http}/ari/asterisk/ping"
    for secret, status in ((DAEMON_SECRET, 200), ("wrong", 401)):
        headers = {"Authorization": aiohttp.encode_basic_auth("ringfence", secret)}
        async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
            assert answer.status == status
