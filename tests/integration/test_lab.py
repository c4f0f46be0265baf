"""The lab proves itself first: a fault that does not do what its name says proves nothing."""

from __future__ import annotations

import asyncio
import base64

import pytest

from tests.lab.asterisk import AsteriskInstance, supports_no_progress_timeout
from tests.lab.behaviour import Behaviour, Manner
from tests.lab.caller import CallerAgent
from tests.lab.fixtures import AsteriskFactory
from tests.lab.lab import Lab
from tests.lab.waiting import LabError


async def test_asterisk_starts_and_has_what_the_data_plane_needs(
    asterisk: AsteriskInstance,
) -> None:
    assert await supports_no_progress_timeout(asterisk)
    for application in ("Dial", "Queue", "UserEvent", "Playback", "Stasis"):
        assert "Synopsis" in await asterisk.cli(f"core show application {application}")


async def test_a_redirect_names_its_own_contact(lab: Lab) -> None:
    target = ("Contact", "<sip:+447700900123@127.0.0.1>")
    await lab.platform.behave(Behaviour(manner=Manner.REFUSE, status=302, response_headers=(target,)))
    straight = CallerAgent(lab.ports, lab.platform.port)
    await straight.start()
    result = await straight.call("+441134960001")
    await straight.close()
    assert result.final_status == 302
    assert result.responses[-1].message.all("contact") == [target[1]]
    assert result.mentions("+447700900123")


async def test_a_frozen_asterisk_does_not_answer_its_console(asterisk: AsteriskInstance) -> None:
    await asterisk.freeze()
    with pytest.raises(LabError, match="did not answer"):
        await asterisk.cli("core show uptime", deadline_seconds=0.3)
    await asterisk.thaw()
    assert "System uptime" in await asterisk.cli("core show uptime")


async def test_ari_and_ami_let_the_lab_in(asterisk: AsteriskInstance) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", asterisk.ports.http)
    token = base64.b64encode(f"lab:{asterisk.secret}".encode()).decode()
    writer.write(f"GET /ari/asterisk/ping HTTP/1.0\r\nAuthorization: Basic {token}\r\n\r\n".encode())
    assert b" 200 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", asterisk.ports.ami)
    writer.write(f"Action: Login\r\nUsername: lab\r\nSecret: {asterisk.secret}\r\n\r\n".encode())
    await asyncio.wait_for(reader.readuntil(b"Response: Success"), 5)
    writer.close()


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
