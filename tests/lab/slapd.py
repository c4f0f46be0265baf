"""A private slapd: a directory of our own on loopback, with the attributes of Active Directory that OpenLDAP lacks.

Bulk data goes in with `load` before `start`, by slapadd; single changes with `change` while it runs.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import ldap3

from tests.lab.certificates import ServerCertificate
from tests.lab.installation import Home
from tests.lab.ports import HOST, Ports
from tests.lab.process import SupervisedProcess
from tests.lab.provision import ensure_root
from tests.lab.waiting import LabError

SUFFIX = "dc=example,dc=com"
MANAGER = f"cn=manager,{SUFFIX}"
READER = f"cn=reader,{SUFFIX}"
LIMITED = f"cn=limited,{SUFFIX}"
"""Signs in as the reader does, and gets so many entries at most in one search, whatever its pages."""
LIMIT = 1_200
START_DEADLINE_SECONDS = 20.0

# Names as Active Directory has them, under a number of our own that nobody else uses.
_ARC = "1.3.6.1.4.1.99999.1"
_TEXT, _OCTETS, _INTEGER = (
    "1.3.6.1.4.1.1466.115.121.1.15",
    "1.3.6.1.4.1.1466.115.121.1.40",
    "1.3.6.1.4.1.1466.115.121.1.27",
)
_ATTRIBUTES = (
    ("objectGUID", "octetStringMatch", _OCTETS),
    ("userAccountControl", "integerMatch", _INTEGER),
    ("accountExpires", "integerMatch", _INTEGER),
    ("employeeID", "caseIgnoreMatch", _TEXT),
    ("department", "caseIgnoreMatch", _TEXT),
)

_CONFIGURATION = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include {directory}/active_directory.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {directory}/slapd.pid
sizelimit unlimited
idletimeout 60
TLSCertificateFile {directory}/server.crt
TLSCertificateKeyFile {directory}/server.key
database mdb
suffix "{suffix}"
rootdn "{manager}"
rootpw {password}
directory {directory}/data
maxsize 134217728
dbnosync
index objectClass,objectGUID,employeeID eq
index entryCSN,entryUUID eq
limits dn.exact="{limited}" size.soft={limit} size.hard={limit} size.prtotal={limit}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{reader}" read by dn.exact="{limited}" read by * none
"""


class Slapd:
    """One directory server. `close()` ends it and removes what it wrote."""

    def __init__(self, ports: Ports, certificate: ServerCertificate) -> None:
        self._home = _home()
        self.port, self.tls_port = ports.take(), ports.take()
        self.password = secrets.token_hex(12)
        self._scratch = self._home.make_scratch("slapd")
        self.directory = self._scratch.outside
        (self.directory / "data").mkdir()
        self._write_files(certificate)
        addresses = f"ldap://{HOST}:{self.port}/ ldaps://{HOST}:{self.tls_port}/"
        self.process = SupervisedProcess(
            "slapd",
            self._home.command("slapd", "-d", "0", "-h", addresses, "-f", f"{self._scratch.inside}/slapd.conf"),
            self.directory / "console",
        )
        self._loaded = False

    def load(self, entries: Iterable[str]) -> None:
        """LDIF entries, beside the suffix and the accounts. Once, and before `start`."""
        accounts = [_account(name, self.password) for name in ("reader", "limited")]
        domain = f"dn: {SUFFIX}\nobjectClass: domain\ndc: example\n"
        (self.directory / "data.ldif").write_text("\n".join([domain, *accounts, *entries]))
        inside = self._scratch.inside
        command = self._home.command("slapadd", "-q", "-f", f"{inside}/slapd.conf", "-l", f"{inside}/data.ldif")
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise LabError(f"slapadd refused the entries: {done.stderr}")
        self._loaded = True

    async def start(self) -> None:
        if not self._loaded:
            self.load(())
        self._home.refresh_hosts()
        self.process.start()
        await self.process.wait_ready(self._answers, what="its port", deadline_seconds=START_DEADLINE_SECONDS)

    async def close(self) -> None:
        await self.process.kill()
        self._scratch.remove()

    def add(self, dn: str, classes: list[str], attributes: Mapping[str, Any]) -> None:
        self._change(lambda connection: connection.add(dn, classes, dict(attributes)))

    def change(self, dn: str, attributes: Mapping[str, Any]) -> None:
        """Replaces these attributes; no values: takes one away."""
        changes = {
            name: [(ldap3.MODIFY_REPLACE, value if isinstance(value, list) else [value])]
            for name, value in attributes.items()
        }
        self._change(lambda connection: connection.modify(dn, changes))

    def move(self, dn: str, new_parent: str) -> None:
        self._change(lambda connection: connection.modify_dn(dn, dn.partition(",")[0], new_superior=new_parent))

    def delete(self, dn: str) -> None:
        self._change(lambda connection: connection.delete(dn))

    def _change(self, what: Any) -> None:
        server = ldap3.Server(HOST, port=self.port, get_info=ldap3.NONE, connect_timeout=5)
        connection = ldap3.Connection(server, MANAGER, self.password, receive_timeout=10, check_names=False)
        if not connection.bind() or not what(connection):
            raise LabError(f"slapd refused a change: {connection.result}")
        connection.unbind()

    def _answers(self) -> bool:
        for port in (self.port, self.tls_port):
            with socket.socket() as probe:
                if probe.connect_ex((HOST, port)) != 0:
                    return False
        return True

    def _write_files(self, certificate: ServerCertificate) -> None:
        shutil.copy(certificate.certificate, self.directory / "server.crt")
        shutil.copy(certificate.key, self.directory / "server.key")
        (self.directory / "active_directory.schema").write_text(_schema())
        configuration = _CONFIGURATION.format(
            directory=self._scratch.inside,
            suffix=SUFFIX,
            manager=MANAGER,
            reader=READER,
            limited=LIMITED,
            limit=LIMIT,
            password=self.password,
        )
        (self.directory / "slapd.conf").write_text(configuration)
        (self.directory / "slapd.conf").chmod(0o600)


def _home() -> Home:
    """The machine's own slapd where there is one, else that of the lab's private root."""
    return Home() if shutil.which("slapd") and Path("/etc/ldap/schema").is_dir() else Home(ensure_root())


def _schema() -> str:
    lines = [
        f"attributetype ( {_ARC}.{number} NAME '{name}' EQUALITY {rule} SYNTAX {syntax} SINGLE-VALUE )"
        for number, (name, rule, syntax) in enumerate(_ATTRIBUTES, start=1)
    ]
    may = " $ ".join(name for name, _, _ in _ATTRIBUTES)
    lines.append(f"objectclass ( {_ARC}.100 NAME 'adUser' SUP top AUXILIARY MAY ( {may} ) )")
    return "\n".join(lines) + "\n"


def _account(name: str, password: str) -> str:
    return (
        f"dn: cn={name},{SUFFIX}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n"
        f"cn: {name}\nuserPassword: {password}\n"
    )
