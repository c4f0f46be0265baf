"""A platform that is reached over TCP or TLS alone, by calls and by whoever asks for signs of life."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.lab.certificates import CertificateAuthority
from tests.lab.far_end import CHECKOUT
from tests.lab.node import RingfenceNode
from tests.lab.orders import give_order
from tests.lab.ports import HOST
from tests.lab.process import SupervisedProcess

READY_SECONDS = 10.0
ENDPOINT = "lab-stream"
PJSIP = """
[lab-{transport}]
type=transport
protocol={transport}
bind=127.0.0.1:{own_port}
{tls}
[lab-stream]
type=endpoint
context=ringfence-closed
disallow=all
allow=alaw,ulaw
message_context=ringfence-closed
allow_transfer=no
direct_media=no
send_pai=no
send_rpid=no
send_connected_line=no
trust_id_inbound=no
outbound_proxy=sip:127.0.0.1:{port}\\;transport={transport}\\;lr
[lab-stream_qualify]
type=endpoint
context=ringfence-closed
disallow=all
allow=alaw
aors=lab-stream_qualify
[lab-stream_qualify]
type=aor
contact=sip:127.0.0.1:{port}\\;transport={transport}
qualify_frequency=1
qualify_timeout=0.5
"""


class StreamFront:
    """`stand` before the node is configured; `enter` once Asterisk runs."""

    def __init__(self, transport: str) -> None:
        self._transport = transport
        self._scratch = TemporaryDirectory(prefix="ringfence-lab-stream-")
        self._folder = Path(self._scratch.name)
        self._control = self._folder / "control"
        self._authority = CertificateAuthority(self._folder / "tls") if transport == "tls" else None
        self._process: SupervisedProcess | None = None
        self._port = 0

    def stand(self, node: RingfenceNode) -> None:
        """In front of the lab's platform."""
        platform = node.lab.platform
        self._port = node.lab.ports.take()
        arguments = ["--control", str(self._control), "--transport", self._transport]
        arguments += ["--port", str(self._port), "--target-port", str(platform.port)]
        settings = {"endpoint": f'"{ENDPOINT}"', "probe_transport": f'"{self._transport}"'}
        settings["probe_tcp_port"] = str(self._port)
        if self._authority is not None:
            certificate, key = self._certify(days=30)
            arguments += ["--certificate", certificate, "--key", key]
            settings["probe_tls"] = f'{{ ca_file = "{self._authority.file}", asterisk_verifies = true }}'
        platform.reached_at = f"{HOST}:{self._port}"
        node.platform.update(settings)
        command = [sys.executable, "-m", "tests.lab.stream_process", *arguments]
        self._process = SupervisedProcess("stream front", command, self._folder / "log", working_directory=CHECKOUT)
        self._process.start()

    async def enter(self, node: RingfenceNode) -> None:
        """What a site writes itself for a platform over TCP: its transport, and an endpoint that uses it."""
        assert self._process is not None
        await self._process.wait_ready(self._control.exists, what="its socket", deadline_seconds=READY_SECONDS)
        asterisk, tls = node.lab.asterisk, ""
        if self._authority is not None:
            (asterisk.etc / "lab-ca.pem").write_bytes(self._authority.file.read_bytes())
            tls = f"method=tlsv1_2\nverify_server=yes\nca_list_file={asterisk.inside('etc/lab-ca.pem')}\n"
        text = PJSIP.format(transport=self._transport, own_port=node.lab.ports.take(), port=self._port, tls=tls)
        path = asterisk.etc / "pjsip.conf"
        path.write_text(path.read_text() + text)
        await asterisk.reload("res_pjsip.so")

    async def mute(self) -> None:
        await give_order(self._control, "the front", {"order": "mute"})

    async def speak(self) -> None:
        await give_order(self._control, "the front", {"order": "speak"})

    async def show_certificate(self, *, days: int) -> None:
        """To whoever connects from now on; below 0 it has expired."""
        certificate, key = self._certify(days)
        await give_order(self._control, "the front", {"order": "show", "certificate": certificate, "key": key})

    async def close(self) -> None:
        if self._process is not None:
            await self._process.kill()
        self._scratch.cleanup()

    def _certify(self, days: int) -> tuple[str, str]:
        assert self._authority is not None
        made = self._authority.certify(HOST, days=days)
        return str(made.certificate), str(made.key)
