"""A real OpenSSH server on loopback that serves SFTP from a folder of its own, to one key."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
from pathlib import Path

from tests.lab.installation import Home
from tests.lab.ports import HOST, Ports
from tests.lab.process import SupervisedProcess
from tests.lab.provision import ensure_root

START_DEADLINE_SECONDS = 20.0

_CONFIGURATION = """\
Port {port}
ListenAddress {host}
HostKey {directory}/host_key
PidFile {directory}/sshd.pid
AuthorizedKeysFile {directory}/authorized_keys
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowTcpForwarding no
LogLevel VERBOSE
PerSourcePenalties no
Subsystem sftp internal-sftp -d {directory}/files
"""


class SftpServer:
    """One server. `files` is the folder it serves, which the account sees as `.`; `close()` removes all of it."""

    def __init__(self, ports: Ports) -> None:
        # Also where the machine has an sshd of its own: run by root it wants the separation folder and account.
        self._home = Home() if os.geteuid() != 0 and shutil.which("sshd") else Home(ensure_root())
        self.port = ports.take()
        self._scratch = self._home.make_scratch("sshd")
        self.directory = self._scratch.outside
        self.files = self.directory / "files"
        self.files.mkdir()
        self.user = getpass.getuser()
        self.key_file = self.make_key("client_key")
        self.make_key("host_key")
        (self.directory / "authorized_keys").write_bytes(self.key_file.with_suffix(".pub").read_bytes())
        self.known_hosts = self.known_hosts_of("host_key")
        (self.directory / "sshd_config").write_text(
            _CONFIGURATION.format(port=self.port, host=HOST, directory=self._scratch.inside)
        )
        self.process = SupervisedProcess(
            "sshd",
            self._home.command(self._program(), "-D", "-e", "-f", f"{self._scratch.inside}/sshd_config"),
            self.directory / "console",
        )

    async def start(self) -> None:
        self._home.outside("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.process.start()
        await self.process.wait_ready(self._answers, what="its port", deadline_seconds=START_DEADLINE_SECONDS)

    async def close(self) -> None:
        await self.process.kill()
        self._scratch.remove()

    def empty(self) -> None:
        """Takes away every file it serves."""
        shutil.rmtree(self.files)
        self.files.mkdir()

    def make_key(self, name: str, passphrase: str = "") -> Path:
        """A private key, its public half beside it as NAME.pub."""
        path = self.directory / name
        path.unlink(missing_ok=True)
        command = [
            "ssh-keygen",
            "-q",
            "-t",
            "ed25519",
            "-N",
            passphrase,
            "-C",
            "lab",
            "-f",
            f"{self._scratch.inside}/{name}",
        ]
        subprocess.run(self._home.command(*command), check=True, capture_output=True, timeout=20)
        return path

    def known_hosts_of(self, key: str) -> Path:
        """A file of known hosts in which this server has that key."""
        public = (self.directory / f"{key}.pub").read_text()
        path = self.directory / f"known_hosts_{key}"
        path.write_text(f"[{HOST}]:{self.port} {public}")
        path.chmod(0o644)
        return path

    def _program(self) -> str:
        """sshd insists on being called by its whole path."""
        return shutil.which("sshd") or "/usr/sbin/sshd" if self._home.root is None else "/usr/sbin/sshd"

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0
