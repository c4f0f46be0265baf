"""A backup's outside: encrypted with age, written and read as a stream, with a key pair or a passphrase.

With a key pair only the public half lies on the machine: whoever steals its backups cannot read them, nor can the
machine itself. age wants a passphrase's file whole in memory, so a passphrase opens a key made for this one file: the
two lie in a plain tar, `key.age` and `backup.age`, and the `age` program alone opens both.
"""

from __future__ import annotations

import io
import os
import tarfile
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import pyrage

from ringfence.app.backup.faults import BackupFault, CannotOpen

MAGIC: Final = b"age-encryption.org/v1\n"
BLOCK: Final = tarfile.BLOCKSIZE
KEY_MEMBER: Final = "key.age"
BODY_MEMBER: Final = "backup.age"
MAX_KEY_BYTES: Final = 64 << 10
UNREADABLE: Final = (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, RecursionError)
"""What reading a torn or foreign backup may raise: of gzip, of tar, and of the JSON within."""


@dataclass(frozen=True, slots=True)
class Locks:
    """Who can open it: holders of these public keys (`age1…`), or whoever knows the passphrase; exactly one is given.

    Neither is ever shown."""

    recipients: tuple[str, ...] = ()
    passphrase: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Keys:
    """What opens it: secret keys (`AGE-SECRET-KEY-1…`) or a passphrase."""

    identities: tuple[str, ...] = field(default=(), repr=False)
    passphrase: str = field(default="", repr=False)


def new_key() -> tuple[str, str]:
    """A secret key and its public half."""
    made = pyrage.x25519.Identity.generate()
    return str(made), str(made.to_public())


def why_not_recipient(text: str) -> str | None:
    """What is wrong with a public key, for people; None when nothing is."""
    if text.upper().startswith("AGE-SECRET-KEY-"):
        return "is a secret key; keep that off this machine, and give its public half, `age1…`"
    try:
        pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        return "is no age public key (`age1…`); make one with `ringfence backup new-key`"
    return None


@contextmanager
def sealing(target: IO[bytes], locks: Locks) -> Iterator[IO[bytes]]:
    """What is written into the stream goes encrypted into `target`, a new file that can seek. Whole once the block has
    been left without an error. Raises BackupFault, and OSError when `target` cannot be written."""
    assert bool(locks.recipients) != bool(locks.passphrase)
    if locks.recipients:
        with _encrypting(target, [pyrage.x25519.Recipient.from_str(text) for text in locks.recipients]) as stream:
            yield stream
        return
    once = pyrage.x25519.Identity.generate()
    _add_member(target, KEY_MEMBER, pyrage.passphrase.encrypt(f"{once}\n".encode(), locks.passphrase))
    head = target.tell()
    target.write(bytes(BLOCK))
    with _encrypting(target, [once.to_public()]) as stream:
        yield stream
    size = target.tell() - head - BLOCK
    target.write(bytes(-size % BLOCK + 2 * BLOCK))
    target.seek(head)
    target.write(_header(BODY_MEMBER, size))
    target.seek(0, os.SEEK_END)


@contextmanager
def opened(path: Path, keys: Keys) -> Iterator[IO[bytes]]:
    """What was written into it, as a stream. Leaving the block early is no error. Raises CannotOpen, also while it is
    read: what is damaged is noticed where it is."""
    try:
        source = path.open("rb")
    except OSError as error:
        raise CannotOpen(f"{path}: {error.strerror}.", "Name a backup that you may read.") from None
    with source:
        if source.read(len(MAGIC)) == MAGIC:
            source.seek(0)
            identities = _identities(path, keys)
            with _decrypting(path, source, identities) as stream:
                yield stream
            return
        source.seek(0)
        body, identities = _behind_passphrase(path, source, keys)
        with _decrypting(path, body, identities) as stream:
            yield stream


def made_with_passphrase(path: Path) -> bool:
    """Whether a passphrase opens it. Raises CannotOpen for a file that cannot be read."""
    try:
        with path.open("rb") as source:
            beginning = source.read(BLOCK)
            return beginning[: len(KEY_MEMBER) + 1] == KEY_MEMBER.encode() + b"\0"
    except OSError as error:
        raise CannotOpen(f"{path}: {error.strerror}.", "Name a backup that you may read.") from None


class _Watched(io.RawIOBase):
    """Keeps the error that age would turn into a text."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.fault: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, block: Any) -> int:
        try:
            return self._stream.write(block)
        except OSError as error:
            self.fault = error
            raise


@contextmanager
def _encrypting(target: IO[bytes], recipients: Sequence[object]) -> Iterator[IO[bytes]]:
    watched, faults = _Watched(target), list[Exception]()
    reading, writing = os.pipe()

    def work() -> None:
        with os.fdopen(reading, "rb", buffering=1 << 16) as plain:
            try:
                pyrage.encrypt_io(plain, watched, list(recipients))
            except (pyrage.EncryptError, OSError) as error:
                faults.append(error)

    thread = threading.Thread(target=work, name="sealing")
    thread.start()
    stream = os.fdopen(writing, "wb", buffering=1 << 16)
    try:
        yield stream
        stream.close()
    except BrokenPipeError:
        # age stopped reading, and said why.
        pass
    finally:
        with suppress(OSError):
            stream.close()
        thread.join()
    if watched.fault is not None:
        raise watched.fault
    if faults:
        raise BackupFault(f"The backup could not be encrypted: {faults[0]}.") from None


@contextmanager
def _decrypting(path: Path, source: IO[bytes], identities: Sequence[object]) -> Iterator[IO[bytes]]:
    faults = list[Exception]()
    reading, writing = os.pipe()

    def work() -> None:
        with os.fdopen(writing, "wb", buffering=0) as plain:
            try:
                pyrage.decrypt_io(source, plain, list(identities))
            except (pyrage.DecryptError, OSError) as error:
                faults.append(error)

    thread = threading.Thread(target=work, name="opening")
    thread.start()
    stream = os.fdopen(reading, "rb", buffering=1 << 16)
    try:
        try:
            yield stream
        except UNREADABLE as error:
            _drain(stream)
            thread.join()
            raise _cannot(path, faults[0] if faults else error) from None
        # A reader of tar stops before the last byte; that the file ends as it should is seen only behind it.
        _drain(stream)
        thread.join()
        if faults:
            raise _cannot(path, faults[0])
    finally:
        stream.close()
        thread.join()


def _drain(stream: IO[bytes]) -> None:
    while stream.read(1 << 16):
        pass


def _cannot(path: Path, error: Exception) -> CannotOpen:
    said = str(error)
    if "No matching keys" in said:
        return CannotOpen(f"{path}: this key does not open it.", "Give the secret key of one of its recipients.")
    return CannotOpen(f"{path}: it is damaged or cut short ({said}).", "Take another copy, or an older backup.")


def _identities(path: Path, keys: Keys) -> list[object]:
    if not keys.identities:
        raise CannotOpen(f"{path}: it opens with a secret key.", "Give the file that holds it with --identity.")
    found: list[object] = []
    for text in keys.identities:
        try:
            found.append(pyrage.x25519.Identity.from_str(text))
        except pyrage.IdentityError:
            raise CannotOpen("What was given is no secret key (`AGE-SECRET-KEY-1…`).") from None
    return found


def _behind_passphrase(path: Path, source: IO[bytes], keys: Keys) -> tuple[IO[bytes], list[object]]:
    no_backup = CannotOpen(f"{path}: it is no backup of Ringfence.", "Name a file that `ringfence backup` made.")
    try:
        outer = tarfile.open(fileobj=source, mode="r:")  # noqa: SIM115  it ends with its file
        key, body = outer.next(), outer.next()
        if key is None or body is None or (key.name, body.name) != (KEY_MEMBER, BODY_MEMBER):
            raise no_backup
        sealed, inside = outer.extractfile(key), outer.extractfile(body)
    except tarfile.TarError:
        raise no_backup from None
    assert sealed is not None and inside is not None
    if not keys.passphrase:
        raise CannotOpen(f"{path}: it opens with a passphrase.", "Give --passphrase-file, or type it.")
    try:
        text = pyrage.passphrase.decrypt(sealed.read(MAX_KEY_BYTES), keys.passphrase).decode().strip()
    except pyrage.DecryptError:
        raise CannotOpen(f"{path}: this passphrase does not open it, or it is damaged.") from None
    return inside, [pyrage.x25519.Identity.from_str(text)]


def _add_member(target: IO[bytes], name: str, content: bytes) -> None:
    target.write(_header(name, len(content)))
    target.write(content + bytes(-len(content) % BLOCK))


def _header(name: str, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member.tobuf(tarfile.GNU_FORMAT)
