"""Voicemail as a step: a real call leaves a message, and it arrives by mail with the recording."""

from __future__ import annotations

import wave
from collections.abc import AsyncIterator
from email.message import EmailMessage
from io import BytesIO

import pytest
import pytest_asyncio

from tests.integration.receivers import MailServer, mail_server
from tests.lab.installation import Installation
from tests.lab.ports import Ports
from tests.lab.waiting import wait_until
from tests.scenarios.site import FALLBACK, CallSite, open_site

BOX = "6001@lab"
PLAN = f"v:{BOX}:0,a:unavailable:0"
MESSAGE_SECONDS = 8
"""The greeting takes five."""

# As a site's `mailcmd` gets it: the whole mail on standard input. Perl, because every Debian has it.
SEND_MAIL = r"""#!/usr/bin/perl
use strict; use IO::Socket::INET;
my $mail = do { local $/; <STDIN> };
my ($to) = $mail =~ /^To:.*?([^\s<>"]+@[^\s<>"]+)/m;
my $smtp = IO::Socket::INET->new("127.0.0.1:PORT") or die;
$mail =~ s/\r?\n/\r\n/g; $mail =~ s/^\./../mg;
sub said { while (my $line = <$smtp>) { return if $line =~ /^\d{3} / } }
said();
for my $line ("EHLO lab", "MAIL FROM:<asterisk\@example.org>", "RCPT TO:<$to>", "DATA", "$mail\r\n.", "QUIT") {
  print $smtp "$line\r\n"; said();
}
"""
VOICEMAIL = """[general]
format=wav
serveremail=asterisk@example.org
attach=yes
mailcmd=MAILCMD
maxsilence=2
minsecs=1
[lab]
6001 => 1234,Reception,reception@example.org
"""


@pytest_asyncio.fixture(scope="module")
async def mails() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest_asyncio.fixture(scope="module")
async def voicemail_site(installation: Installation, mails: MailServer) -> AsyncIterator[CallSite]:
    ports = Ports()
    site, close = await open_site(installation, ports)
    script = site.asterisk.etc / "send-mail"
    script.write_text(SEND_MAIL.replace("PORT", str(mails.port)))
    script.chmod(0o755)
    inside = site.asterisk.inside("etc/send-mail")
    (site.asterisk.etc / "voicemail.conf").write_text(VOICEMAIL.replace("MAILCMD", inside))
    await site.asterisk.reload("app_voicemail.so")
    yield site
    await close()
    ports.close()


@pytest_asyncio.fixture
async def boxes(voicemail_site: CallSite) -> CallSite:
    await voicemail_site.reset()
    return voicemail_site


async def test_a_message_is_taken_and_mailed_with_its_recording(boxes: CallSite, mails: MailServer) -> None:
    did = boxes.did()
    await boxes.record(did, plan=f"s:{FALLBACK}:5,{PLAN}", forced="divert")
    await boxes.network_a.answer(486)
    hostile = b'"${SHELL(id)}`id`; Bcc: x@example.org\\"<x>" <sip:+441632960077@127.0.0.1>'
    call = await boxes.carrier.call(did, raw_from=hostile, hold_seconds=MESSAGE_SECONDS, talks=True)
    assert call.answered
    event = await boxes.event("RingfenceCall", did)
    assert (event["answered_by"], event["result"], event["step"]) == ("voicemail", "answered", "2")
    mail = await the_mail(boxes, mails)
    assert "reception@example.org" in mail["To"]
    (attached,) = mail.iter_attachments()
    with wave.open(BytesIO(attached.get_payload(decode=True))) as sound:
        assert sound.getnframes() > sound.getframerate()
    # Her number is there, and of her name what is harmless in a mail's head and in a file.
    assert mail["X-Asterisk-CallerID"] == "+441632960077"
    assert mail["X-Asterisk-CallerIDName"] == "SHELLidid Bcc xexample.orgx"


async def the_mail(boxes: CallSite, mails: MailServer) -> EmailMessage:
    await wait_until(
        lambda: mails.mails, what="the message by mail", deadline_seconds=10, diagnose=boxes.asterisk.log_tail
    )
    (mail,) = mails.mails
    return mail


@pytest.mark.parametrize("target", ["6002@lab", "6001@nowhere", "6001", "6001@lab&6001@lab", "../6001@lab", "@lab", ""])
async def test_without_such_a_box_the_plan_goes_on(boxes: CallSite, target: str) -> None:
    did = boxes.did()
    await boxes.record(did, plan=f"v:{target}:0,a:unavailable:0", forced="divert")
    assert (await boxes.carrier.call(did, hold_seconds=0.5)).answered
    event = await boxes.event("RingfenceCall", did)
    assert (event["answered_by"], event["step"]) == ("announcement", "2")


async def test_a_machine_leaves_no_message(boxes: CallSite) -> None:
    did = boxes.did()
    await boxes.raw_record(did, f"1|uc|divert|alarm|1|{PLAN}|{PLAN}")
    call = await boxes.carrier.call(did)
    assert (call.answered, call.final_status) == (False, 503)
    assert call.rtp_packet_count > 0


async def test_without_the_module_the_plan_goes_on(boxes: CallSite) -> None:
    await boxes.asterisk.cli("module unload app_voicemail.so")
    try:
        did = boxes.did()
        await boxes.record(did, plan=PLAN, forced="divert")
        assert (await boxes.carrier.call(did, hold_seconds=0.5)).answered
        assert (await boxes.event("RingfenceCall", did))["answered_by"] == "announcement"
    finally:
        await boxes.asterisk.cli("module load app_voicemail.so")
