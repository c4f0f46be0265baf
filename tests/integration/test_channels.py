"""Channels against real receivers: what is sent, what is believed, and what each failure means for the outbox."""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ringfence.app.notify.ports import ChannelRefused, ChannelUnavailable
from ringfence.channels import ClosedChannel, open_channel
from ringfence.channels.apprise_settings import AppriseSettings
from ringfence.channels.email import EmailChannel
from ringfence.channels.email_settings import EmailSettings
from ringfence.channels.monitor import HttpMonitor
from ringfence.channels.webhook import WebhookChannel, retry_after_seconds
from ringfence.channels.webhook_settings import WebhookSettings
from ringfence.domain.notice import Notice, NoticeKind, Severity
from tests.fakes.clock import NOON
from tests.integration.receivers import SECRET, Webhook, mail_server, webhook
from tests.lab.certificates import CertificateAuthority

NOTICE = Notice(
    "transition:1", NoticeKind.MODE, Severity.CRITICAL, NOON, "uc: DR mode", "Calls go elsewhere.\nLook – now.", "uc"
)
DELIVERY = "0123456789abcdef0123456789abcdef"
PASSWORD = "secret of the mail server"


def channel(url: str, **more: Any) -> WebhookChannel:
    settings = WebhookSettings(type="webhook", name="desk", url=url, **more)
    return WebhookChannel(settings, SECRET, "node-1", lambda: 1_900_000_000.7)


def mail(port: int, **more: Any) -> EmailSettings:
    given = {"security": "none", "to": ["desk@example.org", "lead@example.org"], **more}
    return EmailSettings(
        type="email", name="mail", host="127.0.0.1", port=port, sender="ringfence@example.org", **given
    )


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("ca"))


def server_tls(authority: CertificateAuthority, host: str = "127.0.0.1") -> ssl.SSLContext:
    made = authority.certify(host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    return context


async def test_a_webhook_is_signed_and_says_what_its_page_says() -> None:
    async with webhook() as receiver:
        assert await channel(receiver.url).send(NOTICE, DELIVERY) == "202 Accepted"
    ((headers, body),) = receiver.came
    assert headers["Idempotency-Key"] == DELIVERY
    assert headers["X-Ringfence-Timestamp"] == "1900000000"
    assert Webhook.believes(headers, body)
    assert not Webhook.believes(headers, body + b" ")
    assert json.loads(body) == {
        "schema": "ringfence.notice/1",
        "delivery": DELIVERY,
        "node": "node-1",
        "key": "transition:1",
        "kind": "mode",
        "severity": "critical",
        "scope": "uc",
        "at": "2030-01-15T12:00:00.000Z",
        "title": "uc: DR mode",
        "text": "Calls go elsewhere.\nLook – now.",
    }


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
async def test_a_receiver_in_trouble_is_asked_again(status: int) -> None:
    async with webhook() as receiver:
        receiver.answers = [(status, {"Retry-After": "120"}, "not\nnow")]
        with pytest.raises(ChannelUnavailable) as caught:
            await channel(receiver.url).send(NOTICE, DELIVERY)
    assert caught.value.retry_after_seconds == 120
    assert f"{status}" in str(caught.value) and "not now" in str(caught.value)


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 410, 422])
async def test_a_refusal_is_one_and_no_redirect_is_followed(status: int) -> None:
    async with webhook() as receiver, webhook() as elsewhere:
        receiver.answers = [(status, {"Location": elsewhere.url}, "no")]
        with pytest.raises(ChannelRefused, match=str(status)):
            await channel(receiver.url).send(NOTICE, DELIVERY)
        assert elsewhere.came == []


async def test_nobody_there_silence_and_an_endless_answer_are_tried_again() -> None:
    with pytest.raises(ChannelUnavailable, match="not reachable"):
        await channel("http://127.0.0.1:1/hook").send(NOTICE, DELIVERY)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(ChannelUnavailable, match=r"longer than 0\.2 s"):
        await channel(f"http://127.0.0.1:{port}/", deadline_seconds=0.2).send(NOTICE, DELIVERY)
    server.close()
    await server.wait_closed()
    async with webhook() as receiver:
        receiver.answers = [(200, {}, "x" * 5_000_000)]
        assert await channel(receiver.url).send(NOTICE, DELIVERY) == "200 OK"


async def test_a_webhooks_certificate_is_verified(authority: CertificateAuthority) -> None:
    async with webhook(server_tls(authority)) as receiver:
        with pytest.raises(ChannelUnavailable, match="does not verify"):
            await channel(receiver.url).send(NOTICE, DELIVERY)
        assert receiver.came == []
        assert await channel(receiver.url, ca_file=authority.file).send(NOTICE, DELIVERY) == "202 Accepted"
    async with webhook(server_tls(authority, "somebody.example.org")) as receiver:
        with pytest.raises(ChannelUnavailable, match="does not verify"):
            await channel(receiver.url, ca_file=authority.file).send(NOTICE, DELIVERY)


@pytest.mark.parametrize(
    "url", ["http://198.51.100.1/", "ftp://example.org/", "https://user:pw@example.org/", "https://", "hook"]
)
def test_addresses_that_would_give_something_away_are_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="url"):
        WebhookSettings(type="webhook", name="desk", url=url)


def test_a_webhook_without_a_secret_stays_closed() -> None:
    settings = WebhookSettings(type="webhook", name="desk", url="https://example.org/")
    with pytest.raises(ChannelUnavailable, match="notify_desk_secret"):
        open_channel(settings, "short", "node-1")


def test_what_a_receiver_wishes_is_read_as_seconds_or_as_a_date() -> None:
    assert retry_after_seconds("90", 0) == 90
    assert retry_after_seconds("Tue, 15 Jan 2030 12:01:00 GMT", NOON.timestamp()) == 60
    assert retry_after_seconds("Tue, 15 Jan 2030 11:00:00 GMT", NOON.timestamp()) == 0
    assert [retry_after_seconds(text, 0) for text in ("", "soon", "-5", "٣")] == [None] * 4


async def test_a_mail_is_plain_known_again_and_answered_by_no_machine() -> None:
    async with mail_server() as server:
        assert await EmailChannel(mail(server.port), "", "node-1").send(NOTICE, DELIVERY) == "taken by the mail server"
    (found,) = server.mails
    assert found["Message-ID"] == f"<{DELIVERY}@example.org>"
    assert (found["Subject"], found["Auto-Submitted"]) == ("[critical] uc: DR mode", "auto-generated")
    assert server.envelopes[0].rcpt_tos == ["desk@example.org", "lead@example.org"]
    text = found.get_content().replace("\r\n", "\n")
    assert text.startswith("Calls go elsewhere.\nLook – now.\n") and "Node: node-1" in text


async def test_no_text_writes_a_header_of_its_own() -> None:
    hostile = replace(NOTICE, title="x\r\nBcc: all@example.org\r\n\r\nbody", text="one\r\n.\r\nQUIT\r\ntwo")
    async with mail_server() as server:
        await EmailChannel(mail(server.port), "", "node-1").send(hostile, DELIVERY)
    (found,) = server.mails
    assert found["Bcc"] is None and "x Bcc: all@example.org body" in found["Subject"]
    assert server.envelopes[0].rcpt_tos == ["desk@example.org", "lead@example.org"]
    assert "QUIT\r\ntwo" in found.get_content()


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_mail_is_encrypted_signed_in_and_its_server_verified(
    authority: CertificateAuthority, security: str
) -> None:
    settings = {"security": security, "user": "ringfence"}
    async with mail_server(server_tls(authority), from_the_first_byte=security == "tls") as server:
        with pytest.raises(ChannelUnavailable, match="does not verify"):
            await EmailChannel(mail(server.port, **settings), PASSWORD, "n").send(NOTICE, DELIVERY)
        trusting = mail(server.port, ca_file=authority.file, **settings)
        with pytest.raises(ChannelRefused, match="535"):
            await EmailChannel(trusting, "wrong", "n").send(NOTICE, DELIVERY)
        assert server.envelopes == []
        await EmailChannel(trusting, PASSWORD, "n").send(NOTICE, DELIVERY)
    assert (server.signed_in, server.encrypted) == (["ringfence"], [True])


async def test_what_a_mail_server_answers_decides_what_becomes_of_a_mail() -> None:
    async with mail_server() as server:
        sender = EmailChannel(mail(server.port), "", "n")
        server.refuse = ["451 4.7.1 greylisted", "552 5.3.4 too large"]
        with pytest.raises(ChannelUnavailable, match=r"451 4\.7\.1 greylisted"):
            await sender.send(NOTICE, DELIVERY)
        with pytest.raises(ChannelRefused, match=r"552 5\.3\.4 too large"):
            await sender.send(NOTICE, DELIVERY)
        some = EmailChannel(mail(server.port, to=["nobody@example.org", "lead@example.org"]), "", "n")
        assert await some.send(NOTICE, DELIVERY) == "taken for 1 of 2"
        none = EmailChannel(mail(server.port, to=["nobody@example.org"]), "", "n")
        with pytest.raises(ChannelRefused, match="550"):
            await none.send(NOTICE, DELIVERY)
        port = server.port
    with pytest.raises(ChannelUnavailable, match="not reachable"):
        await EmailChannel(mail(port), "", "n").send(NOTICE, DELIVERY)


async def test_single_people_are_written_to_and_no_hostile_address() -> None:
    async with mail_server() as server:
        sender = EmailChannel(mail(server.port), "", "n")
        await sender.write("ada@example.org", "Your calls", "They go elsewhere.", DELIVERY)
        for address in ("ada@example.org, bob@example.org", "ada@example.org\nBcc: x@example.org", "<ada@x>", "ada"):
            with pytest.raises(ChannelRefused, match="no mail address"):
                await sender.write(address, "Your calls", "They go elsewhere.", DELIVERY)
    assert [envelope.rcpt_tos for envelope in server.envelopes] == [["ada@example.org"]]


def test_a_password_crosses_no_network_in_clear() -> None:
    with pytest.raises(ValidationError, match="security"):
        EmailSettings(type="email", name="m", host="mail.example.org", security="none", sender="r@example.org")


async def test_apprise_without_the_extra_or_without_an_address_says_what_to_do() -> None:
    settings = AppriseSettings(type="apprise", name="chat")
    with pytest.raises(ChannelUnavailable, match=r"pip install ringfence\[apprise\]|has no addresses") as caught:
        open_channel(settings, "# none yet\n", "n")
    with pytest.raises(ChannelUnavailable):
        await ClosedChannel(caught.value).send(NOTICE, DELIVERY)


@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")  # apprise's own, on Python 3.11
async def test_apprise_tells_each_service_until_it_has_it() -> None:
    async with webhook() as one, webhook() as two:
        addresses = "\n".join(receiver.url.replace("http://", "json://") for receiver in (one, two))
        chat = open_channel(AppriseSettings(type="apprise", name="chat"), addresses, "n")
        two.answers = [(500, {}, "no")]
        with pytest.raises(ChannelUnavailable, match="1 of 2 services"):
            await chat.send(NOTICE, DELIVERY)
        assert await chat.send(NOTICE, DELIVERY) == "taken by all 2 services"
        assert (len(one.taken), len(two.taken)) == (1, 1)
        with pytest.raises(ChannelUnavailable, match="line 2") as caught:
            open_channel(AppriseSettings(type="apprise", name="chat"), "json://x/\nnonsense-token-123", "n")
    assert "nonsense" not in str(caught.value)


async def test_the_monitor_outside_hears_the_state_and_an_error_tells_no_token() -> None:
    async with webhook() as monitor:
        await HttpMonitor(f"{monitor.url}?token=t0p", "POST").beat({"node": "n", "modes": {"uc": "NORMAL"}})
        ((_, body),) = monitor.came
        assert json.loads(body) == {"node": "n", "modes": {"uc": "NORMAL"}}
        monitor.status = 404
        with pytest.raises(ChannelRefused) as caught:
            await HttpMonitor(f"{monitor.url}?token=t0p", "GET").beat({})
    assert "t0p" not in str(caught.value)


def test_channels_of_the_registry_are_those_of_the_configuration(tmp_path: Path) -> None:
    from ringfence.channels import OPENERS
    from ringfence.config.notify_settings import KINDS

    assert tuple(OPENERS) == KINDS
