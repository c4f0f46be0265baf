"""A compose file's services, run out of the images' trees without an engine: to the kernel it is the same.

Of each service its command, account, capabilities, read-only root, volumes, memory file systems, environment, network
address and order of starting are the file's. Not done: limits of memory, processors and processes, `init`, and process
namespaces: everybody sees everybody's processes. A key that is not known here is an error, never passed over.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from tests.lab.compose_network import ComposeNetwork
from tests.lab.images import Image
from tests.lab.process import SupervisedProcess
from tests.lab.waiting import LabError, wait_until

DONE = {"image", "command", "environment", "network_mode", "networks", "volumes", "tmpfs", "read_only", "cap_drop"}
DONE |= {"security_opt", "depends_on", "secrets"}
PASSED_OVER = {"build", "init", "pid", "mem_limit", "pids_limit", "cpus", "restart", "stop_grace_period", "logging"}
PASSED_OVER |= {"ulimits"}
# As an engine's: a layer of its own over the image, in which mount points are made before it becomes read-only.
ROOT = """\
set -e
mount --make-rprivate /
hostname {name}
mount -t tmpfs -o mode=755 ringfence-lab {place}
mkdir {place}/upper {place}/work {place}/root
mount -t overlay -o lowerdir={tree},upperdir={place}/upper,workdir={place}/work ringfence-lab {place}/root
mount --bind /proc {place}/root/proc
mount --bind /dev {place}/root/dev
mount --bind {hosts} {place}/root/etc/hosts
{mounts}
mount -o remount,{mode} {place}/root
exec chroot {place}/root {command}
"""
START_SECONDS = 60.0


class ComposeStage:
    """Use as a context manager. `host_files` stands for the host's root where a file names absolute places of it."""

    def __init__(self, file: Path, images: Mapping[str, Image], host_files: Path | None = None) -> None:
        self._file = file
        self.services: dict[str, dict[str, Any]] = yaml.safe_load(file.read_text(encoding="utf-8"))["services"]
        self._secrets: dict[str, dict[str, str]] = yaml.safe_load(file.read_text(encoding="utf-8")).get("secrets", {})
        self._images = images
        self._host_files = host_files
        self._folder = TemporaryDirectory(prefix="ringfence-lab-compose-")
        self.folder = Path(self._folder.name)
        self.network = ComposeNetwork(self.services)
        self.processes: dict[str, SupervisedProcess] = {}

    def __enter__(self) -> ComposeStage:
        for name, service in self.services.items():
            if unknown := set(service) - DONE - PASSED_OVER:
                raise LabError(f"{self._file.name}: {name}: nothing is known here of {', '.join(sorted(unknown))}")
        self.network.open()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            process.kill_now()
        self.network.close()
        self._folder.cleanup()

    def image(self, service: str) -> Image:
        return self._images[str(self.services[service]["image"]).removeprefix("ringfence-")]

    async def up(self, *names: str) -> None:
        """Starts these services and what they depend on, each when the file's conditions hold."""
        for name in names:
            if name in self.processes:
                continue
            for needed, wanted in self.services[name].get("depends_on", {}).items():
                await self.up(needed)
                await self._wait(needed, wanted["condition"])
            self._start(name)

    async def _wait(self, name: str, condition: str) -> None:
        process = self.processes[name]
        if condition == "service_completed_successfully":
            if status := await process.wait_exit(START_SECONDS):
                raise LabError(f"{name} ended with status {status}\n{process.log_tail()}")
        elif condition == "service_healthy":
            await process.wait_ready(lambda: self.healthy(name), what="healthy", deadline_seconds=START_SECONDS)
        elif condition != "service_started":
            raise LabError(f"{name}: nothing is known here of {condition}")

    def healthy(self, name: str) -> bool:
        """What the image's health check says, asked as an engine asks: inside, as its user."""
        kind, *command = self.image(name).config["Healthcheck"]["Test"]
        assert kind == "CMD"
        return self.run_in(name, *command).returncode == 0

    def run_in(self, name: str, *command: str) -> subprocess.CompletedProcess[str]:
        """`docker compose exec`."""
        target = f"--target={self.processes[name].pid}"
        enter = ["nsenter", target, "--mount", "--net", "--uts", "--root", "--wd"]
        return subprocess.run(
            [*enter, *self._as_user(name), *command],
            env=self._environment(name),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )

    def volume(self, name: str) -> Path:
        return self.folder / "volumes" / name

    async def wait_file(self, path: Path) -> None:
        await wait_until(path.exists, what=str(path), deadline_seconds=START_SECONDS)

    def _start(self, name: str) -> None:
        service, image = self.services[name], self.image(name)
        place = self.folder / f"root-{name}"
        place.mkdir()
        config = image.config
        program = [*(config.get("Entrypoint") or []), *(service.get("command") or config.get("Cmd") or [])]
        inside = ["env", f"--chdir={config.get('WorkingDir') or '/'}", *program]
        script = ROOT.format(
            name=shlex.quote(name),
            place=shlex.quote(str(place)),
            tree=shlex.quote(str(image.tree)),
            hosts=shlex.quote(str(self._hosts(name))),
            mounts="\n".join(self._mounts(name, place / "root")),
            mode="ro" if service.get("read_only") else "rw",
            command=shlex.join([*self._as_user(name), *inside]),
        )
        command = [*self.network.enter(name), "unshare", "--mount", "--uts", "sh", "-c", script]
        log = self.folder / f"{name}.log"
        self.processes[name] = SupervisedProcess(name, command, log, environment=self._environment(name))
        self.processes[name].start()

    def _as_user(self, name: str) -> list[str]:
        """Its account, and of what root may only what the file leaves it: nothing."""
        service, image = self.services[name], self.image(name)
        if service.get("cap_drop") != ["ALL"] or service.get("security_opt") != ["no-new-privileges:true"]:
            raise LabError(f"{name}: only services that drop every capability are known here")
        user, group, groups = _account(image.tree, image.config["User"])
        ids = [f"--reuid={user}", f"--regid={group}", f"--groups={','.join(map(str, groups))}"]
        return ["setpriv", *ids, "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--pdeathsig=KILL"]

    def _environment(self, name: str) -> dict[str, str]:
        own = dict(line.split("=", 1) for line in self.image(name).config.get("Env") or [])
        given = {key: str(value) for key, value in self.services[name].get("environment", {}).items()}
        return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **own, **given}

    def _hosts(self, name: str) -> Path:
        """What an engine's name server would say, and the own name."""
        path = self.folder / f"hosts-{name}"
        names = [f"{address}\t{service}" for service, address in self.network.addresses.items()]
        path.write_text("\n".join(["127.0.0.1\tlocalhost", *names, f"127.0.0.1\t{name}", ""]), encoding="utf-8")
        return path

    def _mounts(self, name: str, root: Path) -> list[str]:
        lines: list[str] = []
        for volume in self.services[name].get("volumes", []):
            source, inside, *options = volume.split(":")
            lines += _bind(self._source(name, source, inside), root, inside, read_only="ro" in options)
        for secret in self.services[name].get("secrets", []):
            lines += _bind(self._outside(self._secrets[secret]["file"]), root, f"/run/secrets/{secret}", read_only=True)
        for memory in self.services[name].get("tmpfs", []):
            inside, _, options = memory.partition(":")
            target = shlex.quote(f"{root}{inside}")
            lines += [f"mkdir -p {target}", f"mount -t tmpfs -o {options or 'mode=1777'} ringfence-lab {target}"]
        return lines

    def _source(self, name: str, source: str, inside: str) -> Path:
        """Named volumes begin as an engine's do: with what the image of their first user has there, and its owner."""
        if source.startswith((".", "/")):
            return self._outside(source)
        volume = self.volume(source)
        if not volume.exists():
            volume.parent.mkdir(exist_ok=True)
            original = self.image(name).tree / inside.lstrip("/")
            if not original.is_dir():
                raise LabError(f"{name}: its image has no folder {inside}, so the volume would be root's")
            shutil.copytree(original, volume, symlinks=True)
            owner = original.stat()
            os.chown(volume, owner.st_uid, owner.st_gid)
        return volume

    def _outside(self, source: str) -> Path:
        if source.startswith("/"):
            if self._host_files is None:
                raise LabError(f"{source} is a place of the host's, and no files stand for them")
            return self._host_files / source.lstrip("/")
        return (self._file.parent / source).resolve()


def _bind(source: Path, root: Path, inside: str, *, read_only: bool) -> list[str]:
    here, target = shlex.quote(str(source)), shlex.quote(f"{root}{inside}")
    make = f"mkdir -p {target}" if source.is_dir() else f"mkdir -p $(dirname {target}) && touch {target}"
    bind = [make, f"mount --bind {here} {target}"]
    return [*bind, f"mount -o remount,bind,ro {target}"] if read_only else bind


def _account(tree: Path, name: str) -> tuple[int, int, list[int]]:
    """Number, group and groups of an account of the image."""
    users = {line.split(":")[0]: line.split(":") for line in (tree / "etc/passwd").read_text().splitlines()}
    groups = [line.split(":") for line in (tree / "etc/group").read_text().splitlines()]
    user, group = int(users[name][2]), int(users[name][3])
    return user, group, [group, *(int(row[2]) for row in groups if name in row[3].split(","))]
