"""A private PostgreSQL: a cluster of our own on a socket and a port of loopback, made in half a second.

The machine's own programs, put there by apt-get where they are missing and we may; no cluster of the machine's is made
or touched. The server refuses to run as root: it is then run as `nobody`. Nothing is synced to the disk, for nobody
cares what becomes of it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg

from tests.lab.cache import apt_install, cache_directory, has_apt, only_one
from tests.lab.certificates import ServerCertificate
from tests.lab.installation import Home
from tests.lab.ports import HOST, Ports
from tests.lab.process import SupervisedProcess
from tests.lab.waiting import LabError, wait_until

NO_POSTGRES = (
    "no PostgreSQL server on this machine: install it (Debian, Ubuntu: sudo apt-get install postgresql), or name the "
    "folder of its programs in RINGFENCE_LAB_POSTGRES"
)
START_DEADLINE_SECONDS = 20.0
ADMIN = "postgres"
ROLE = "ringfence"
"""May log in, by password where it comes over TCP, and owns the databases that `create` makes."""
UNPRIVILEGED = 65534

_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "80",
    "max_wal_size": "256MB",
    "autovacuum": "off",
    "log_min_messages": "warning",
}


class PostgresServer:
    """One cluster. `close()` ends it and removes what it wrote."""

    def __init__(self, ports: Ports, certificate: ServerCertificate | None = None) -> None:
        self._programs = ensure_postgres()
        self._ports = ports  # which keeps the port ours for as long as we are
        self.port = ports.take()
        self.password = secrets.token_hex(12)
        self._scratch = Home().make_scratch("postgres")
        self.directory = self._scratch.outside
        self._make(certificate)
        settings = [f"-c{name}={value}" for name, value in _SETTINGS.items()]
        listen = [f"-p{self.port}", f"-h{HOST}", f"-k{self.directory}"]
        command = [str(self._programs / "postgres"), f"-D{self._data}", *listen, *settings]
        self.process = SupervisedProcess("postgres", [*_as_nobody(), *command], self.directory / "console")

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    async def start(self) -> None:
        self.process.start()
        await self.process.wait_ready(self._answers, what="its socket", deadline_seconds=START_DEADLINE_SECONDS)

    async def stop(self) -> None:
        """As an administrator stops it: who is connected is told, and cut off."""
        self.process.send_signal(signal.SIGINT)
        await self.process.wait_exit(START_DEADLINE_SECONDS)

    async def kill(self) -> None:
        """The server and all it does, from one moment to the next."""
        workers = self._workers()
        await self.process.kill()
        for pid in workers:
            _signal(pid, signal.SIGKILL)
        await wait_until(
            lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers),
            what="postgres: its processes to be gone",
            deadline_seconds=START_DEADLINE_SECONDS,
        )

    async def freeze(self) -> None:
        """It is there and says nothing: connections stay open, new ones are taken by the kernel and never answered."""
        await self.process.freeze()
        for pid in self._workers():
            _signal(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in self._workers():
            _signal(pid, signal.SIGCONT)
        self.process.thaw()

    async def close(self) -> None:
        if self.process.running:
            await self.kill()
        self._scratch.remove()

    def remove(self) -> None:
        """As `close`, for a process that is about to end."""
        self.process.kill_now()
        self._scratch.remove()
        self._ports.close()

    def create(self, template: str = "template1") -> str:
        """A new database of ROLE's own, a copy of that one; its name."""
        name = f"d{secrets.token_hex(4)}"
        # The files, not row by row through the log: four times as fast, and what older versions do anyway.
        how = " STRATEGY FILE_COPY" if int(str(self.run("SHOW server_version_num")[0][0])) >= 150_000 else ""
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {ROLE}{how}")
        return name

    def drop(self, name: str) -> None:
        """Whoever still uses it is cut off."""
        self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def run(self, statement: str, database: str = ADMIN) -> list[tuple[object, ...]]:
        """One statement by the cluster's administrator, outside any transaction."""
        place = f"host={self.directory} port={self.port} user={ADMIN} dbname={database}"
        with psycopg.connect(place, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def url(self, database: str) -> str:
        """Through the socket, where it asks for no password."""
        return f"postgresql+psycopg://{ROLE}@/{database}?host={self.directory}&port={self.port}"

    def tcp_url(self, database: str) -> str:
        """Over loopback, where it asks ROLE for `password`."""
        return f"postgresql+psycopg://{ROLE}@{HOST}:{self.port}/{database}"

    def _make(self, certificate: ServerCertificate | None) -> None:
        if os.geteuid() == 0:
            os.chown(self.directory, UNPRIVILEGED, UNPRIVILEGED)
        make = [str(self._programs / "initdb"), "-D", str(self._data), "-U", ADMIN, "-A", "trust", "-E", "UTF8"]
        self._quietly([*make, "--no-sync", *self._german()])
        rules = f"local all all trust\nhost all {ROLE} {HOST}/32 scram-sha-256\n"
        (self._data / "pg_hba.conf").write_text(rules)
        if certificate is not None:
            self._use(certificate)
        single = [str(self._programs / "postgres"), "--single", "-D", str(self._data), ADMIN]
        self._quietly(single, f"CREATE ROLE {ROLE} LOGIN PASSWORD '{self.password}'\n")

    def _german(self) -> list[str]:
        """A language's order of letters, not the code points': nothing of ours may depend on it. Since version 15."""
        help_text = subprocess.run([self._programs / "initdb", "--help"], capture_output=True, text=True).stdout
        return ["--locale-provider=icu", "--icu-locale=de"] if "--locale-provider" in help_text else []

    def _use(self, certificate: ServerCertificate) -> None:
        for source, name in ((certificate.certificate, "server.crt"), (certificate.key, "server.key")):
            shutil.copy(source, self._data / name)
            (self._data / name).chmod(0o600)
            if os.geteuid() == 0:
                os.chown(self._data / name, UNPRIVILEGED, UNPRIVILEGED)
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write("ssl = on\n")

    def _quietly(self, command: list[str], spoken: str = "") -> None:
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            [*_as_nobody(), *command], input=spoken, capture_output=True, text=True, env=environment, cwd=self.directory
        )
        if done.returncode != 0:
            raise LabError(f"{command[0]} ended with status {done.returncode}: {done.stderr}")

    def _workers(self) -> list[int]:
        try:
            return [
                int(pid)
                for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            ]
        except OSError:
            return []

    def _answers(self) -> bool:
        try:
            self.run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


def ensure_postgres() -> Path:
    """The folder of the server's programs. Raises LabError where there is none and it cannot be installed."""
    if found := _programs():
        return found
    if os.geteuid() != 0 or not has_apt():
        raise LabError(NO_POSTGRES)
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    with only_one(cache / "lock"):
        if (found := _programs()) is None:
            _leave_no_cluster_behind()
            apt_install(["postgresql"])
            found = _programs()
    if found is None:
        raise LabError(NO_POSTGRES)
    return found


def _programs() -> Path | None:
    """Debian keeps them out of PATH, one folder for each version."""
    if chosen := os.environ.get("RINGFENCE_LAB_POSTGRES"):
        return Path(chosen)
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    on_path = shutil.which("initdb")
    found = [*([Path(on_path).resolve().parent] if on_path else []), *folders]
    return next((folder for folder in reversed(found) if (folder / "initdb").exists()), None)


def _leave_no_cluster_behind() -> None:
    """Debian's package would make a cluster and start it."""
    settings = Path("/etc/postgresql-common/createcluster.conf")
    if not settings.exists():
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text("create_main_cluster = false\n")


def _as_nobody() -> list[str]:
    """The kernel forgets the wish to die with us when the user changes, so it is said again."""
    if os.geteuid() != 0:
        return []
    who = str(UNPRIVILEGED)
    return ["setpriv", f"--reuid={who}", f"--regid={who}", "--clear-groups", "--pdeathsig", "KILL"]


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # a server's process ends when its client goes
