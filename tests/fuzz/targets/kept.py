"""Files that are kept beside: backups, secrets, certificates, what an installation remembers."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Final

import pyrage

from ringfence.app.access.ports import SealedAccountsFault
from ringfence.app.backup.archive import About, Writer
from ringfence.app.backup.faults import BackupFault
from ringfence.app.hr.ports import SourceError
from ringfence.backup.files import found_in
from ringfence.backup.seal import Keys, Locks, made_with_passphrase, sealing, why_not_recipient
from ringfence.bootstrap import sealed_file
from ringfence.bootstrap.backup_reading import check
from ringfence.cli.install import manifest
from ringfence.config import ConfigError, load_secrets
from ringfence.hr import secret_file as hr_secrets
from ringfence.probes import secret_file as probe_secrets
from ringfence.voice.sounds import MANIFEST, LanguageSounds, SoundsFault
from ringfence.web.tls import CertificateFault
from ringfence.web.tls import _read as read_pair
from tests.fuzz.folder import new_folder
from tests.fuzz.target import Target, Try, holds, shape
from tests.lab.certificates import CertificateAuthority


def targets() -> tuple[Target, ...]:
    return (
        Target(
            "backup",
            "a backup's inside: compressed tar",
            "app.backup.archive bootstrap.backup_reading",
            lambda: _backup(compressed=True),
            made=_archives,
            max_bytes=32768,
            grows=False,
        ),
        Target(
            "backup-sealed",
            "a backup's outside: age, with keys or a passphrase",
            "backup.seal",
            lambda: _backup(compressed=False),
            made=_sealed,
            max_bytes=32768,
            grows=False,
            dear=True,
        ),
        Target("backup-recipient", "a public key, and a backup's file name", "backup.seal backup.files", _recipient),
        Target("break-glass", "the hashes of the accounts for emergencies", "bootstrap.sealed_file", _sealed_file),
        Target(
            "secrets",
            "files of secrets, passwords and tokens",
            "config.reading hr.secret_file probes.secret_file",
            _secrets,
        ),
        Target(
            "certificate",
            "the certificate and key of our own door",
            "web.tls",
            _certificate,
            made=_pairs,
            max_bytes=16384,
            grows=False,
        ),
        Target("installed", "what was done to this machine, to be undone", "cli.install.manifest", _installed),
        Target("voice-manifest", "which sounds were synthesised", "voice.sounds", _voice),
    )


def _archives() -> tuple[bytes, ...]:
    """Not compressed: what is changed then reaches the tar within."""
    out = io.BytesIO()
    writer = Writer(out, About("0.1.0", "0001", "node1", "2030-01-01T00:00:00+00:00", False))
    writer.add_file("config/ringfence.toml", b"node = 'node1'\n")
    writer.add_rows("scopes", [{"scope": "uc", "mode": "normal"}, {"scope": "b", "mode": None}])
    writer.finish()
    return (gzip.decompress(out.getvalue()), out.getvalue())


def _sealed() -> tuple[bytes, ...]:
    found = []
    for locks in (Locks(recipients=(str(_IDENTITY.to_public()),)), Locks(passphrase="five words of a passphrase")):
        out = io.BytesIO()
        with sealing(out, locks) as stream:
            stream.write(_archives()[1])
        found.append(out.getvalue())
    return tuple(found)


_IDENTITY: Final = pyrage.x25519.Identity.generate()


def _pairs() -> tuple[bytes, ...]:
    made = CertificateAuthority(new_folder()).certify("localhost")
    return (Path(made.certificate).read_bytes() + b"=====" + Path(made.key).read_bytes(),)


def _backup(*, compressed: bool) -> Try:
    path = new_folder() / "a.backup.age"
    both = (Keys(identities=(str(_IDENTITY),)), Keys(passphrase="five words of a passphrase"))

    def attempt(data: bytes) -> str:
        path.write_bytes(gzip.compress(data, 1, mtime=0) if compressed and data[:2] != b"\x1f\x8b" else data)
        told = []
        for keys in both[:1] if compressed else both:
            made_with_passphrase(path)
            try:
                told.append(f"whole, {len(check(path, keys).files)} files")
            except BackupFault as error:
                holds("AGE-SECRET" not in str(error), "a key is shown")
                told.append(shape(str(error).replace(str(path), "FILE")))
        return " | ".join(told)

    return attempt


def _recipient() -> Try:
    folder = new_folder()

    def attempt(data: bytes) -> str:
        text = data.decode("utf-8", "replace")
        fault = why_not_recipient(text)
        holds(fault is None or "SECRET" not in fault or "secret key" in fault, "a key is shown", fault)
        name = text.replace("/", "_").replace("\0", "_").encode()[:200].decode(errors="ignore")
        if not name.strip("."):
            return shape(fault)
        (folder / name).touch()
        try:
            return f"{shape(fault)} {len(found_in(folder))}"
        finally:
            (folder / name).unlink()

    return attempt


def _sealed_file() -> Try:
    path = new_folder() / "break_glass"

    def attempt(data: bytes) -> str:
        path.write_bytes(data)
        try:
            return f"{min(len(sealed_file.read(path)), 4)} accounts"
        except SealedAccountsFault as error:
            return shape(error)

    return attempt


def _secrets() -> Try:
    folder = new_folder()
    files = [folder / name for name in ("ari_secret", "ami_secret", "http_token")]
    for file in files:
        file.touch(0o600)

    def attempt(data: bytes) -> str:
        told = []
        for file in files:
            file.write_bytes(data)
        for read in (
            lambda: load_secrets(folder / "ringfence.toml"),
            lambda: hr_secrets.secret_line(files[0], "token_file"),
            lambda: probe_secrets.secret_line(files[0]),
        ):
            try:
                read()
                told.append("taken")
            except (ConfigError, SourceError, probe_secrets.SecretUnusable) as error:
                said = str(error).replace(str(folder), "")
                text = data.decode("latin-1").strip()
                holds(len(text) < 12 or text[:12] not in said, "a secret is shown", said)
                told.append(shape(said)[:30])
        return " | ".join(told)

    return attempt


def _certificate() -> Try:
    folder = new_folder()

    def attempt(data: bytes) -> str:
        certificate, _, key = data.partition(b"=====")
        (folder / "c").write_bytes(certificate)
        (folder / "k").write_bytes(key)
        try:
            holds(read_pair(folder / "c", folder / "k").tzinfo is not None, "an expiry without a zone")
        except CertificateFault as error:
            return shape(str(error).replace(str(folder), ""))
        return "a pair"

    return attempt


def _installed() -> Try:
    path = new_folder() / "installed.json"

    def attempt(data: bytes) -> str:
        path.write_bytes(data)
        try:
            found = manifest.read(path)
        except manifest.ManifestFault as error:
            return shape(str(error).replace(str(path), ""))
        if found is None:
            return "none"
        path.write_text(manifest.text_of(found), encoding="utf-8")
        holds(manifest.read(path) == found, "read otherwise after writing", data[:100])
        return f"{len(found.edits)} edits"

    return attempt


def _voice() -> Try:
    folder = new_folder()
    (folder / "en" / "ringfence").mkdir(parents=True)

    def attempt(data: bytes) -> str:
        for place in (folder / "en" / MANIFEST, folder / "en" / "ringfence" / MANIFEST):
            place.write_bytes(data)
        try:
            return f"{min(len(LanguageSounds(folder, 'en')._manifest), 3)} sounds"
        except SoundsFault as error:
            return shape(str(error).replace(str(folder), ""))

    return attempt
