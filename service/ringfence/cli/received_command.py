"""`ringfence explain --as-received` and `--invites`: how the trunks' settings read the numbers that carriers send."""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final

import typer

from ringfence.cli.capture_file import InviteFile, Unreadable
from ringfence.cli.client import NoDaemon, Refused, path_part
from ringfence.cli.invocation import NOT_WELL, Invocation, emit, faults_told, usage
from ringfence.cli.known_dids import Owners, of_daemon, of_file
from ringfence.cli.received_picture import show_invites, show_reading
from ringfence.config import ConfigError, Settings, load
from ringfence.config.snippets import number_of
from ringfence.domain.capture_packets import Address
from ringfence.domain.invite_tally import InviteTally
from ringfence.domain.received_invite import Invite, did_text
from ringfence.domain.received_number import DidSource, NumberRules, read_number

MAX_CALLS_REMEMBERED: Final = 50_000
MAX_ADDRESSES: Final = 1_000
SHOWN_BYTES: Final = 16 * 1024 * 1024
"""Of a smaller file nobody would see a bar."""


def as_received(asked: Invocation, text: str, trunk: str | None, dids: Path | None, as_json: bool) -> None:
    """One number, rule by rule."""
    with faults_told(as_json):
        settings = _settings(asked)
        rules = _rules(settings)
        name = _the_trunk(rules, trunk)
        number = read_number(_written(text), rules[name])
        owners: Owners | None = None if dids is None else of_file(dids, settings)
        if owners is None and number.is_e164:
            owners = _owner_of(asked, number.did)
        explanation = _explanation(asked, number.did) if number.is_e164 and dids is None else None
    known = None if owners is None else number.did in owners
    found: dict[str, Any] = {
        "trunk": name,
        "received": number.received,
        "rules": [{"rule": f.rule, "sentence": f.sentence, "number": f.number} for f in number.fired],
        "did": number.did or None,
        "refused": number.refused,
        "known": known,
        "owner": None if not owners else owners.get(number.did),
        "verdict": _verdict(number.refused, number.is_e164, known),
        "explanation": explanation,
    }
    emit(as_json, found, lambda out: show_reading(out, found))
    if number.refused or not number.is_e164 or known is False:
        raise typer.Exit(NOT_WELL)


def invites(asked: Invocation, path: Path, trunk: str | None, dids: Path | None, as_json: bool) -> None:
    """Every call of a file, once."""
    with faults_told(as_json):
        settings = _settings(asked)
        rules = _rules(settings)
        if trunk is not None:
            _the_trunk(rules, trunk)
        owners = of_daemon(asked.daemon()) if dids is None else of_file(dids, settings)
        tally = InviteTally(rules, None if owners is None else owners.keys())
        counting = _Counting(tally, _Senders(settings, trunk))
        damaged = _count(path, counting)
    found = _result(path, tally, counting, damaged, owners is not None)
    emit(as_json, found, lambda out: show_invites(out, found))
    if not tally.calls or tally.good < tally.calls or damaged:
        raise typer.Exit(NOT_WELL)


class _Senders:
    """Which trunk an INVITE came by."""

    def __init__(self, settings: Settings, only: str | None) -> None:
        self._only = only
        self._networks: list[tuple[IPv4Network | IPv6Network, str]] = []
        for trunk in settings.trunk:
            for source in trunk.sources:
                try:
                    self._networks.append((ip_network(source, strict=False), trunk.name))
                except ValueError:
                    continue  # a host's name; Asterisk knows its addresses, we do not
        self._networks.sort(key=lambda item: item[0].prefixlen, reverse=True)

    def trunk_of(self, source: Address | None) -> str | None:
        """None: it is no trunk's, or none that is asked for."""
        if source is None:
            return self._only
        mapped = getattr(source, "ipv4_mapped", None) or source
        for network, name in self._networks:
            if mapped in network:
                return name if self._only in (None, name) else None
        return None


class _Counting:
    """One INVITE after the other, each call once."""

    def __init__(self, tally: InviteTally, senders: _Senders) -> None:
        self._tally = tally
        self._senders = senders
        self._seen: OrderedDict[int, None] = OrderedDict()
        self.invites = 0
        self.elsewhere: Counter[str] = Counter()

    def take(self, source: Address | None, invite: Invite) -> None:
        self.invites += 1
        if not invite.is_first:
            return
        call = hash(invite.call)
        if call in self._seen:
            self._seen.move_to_end(call)
            return
        self._seen[call] = None
        if len(self._seen) > MAX_CALLS_REMEMBERED:
            self._seen.popitem(last=False)
        trunk = self._senders.trunk_of(source)
        if trunk is not None:
            self._tally.add(trunk, invite)
        elif str(source) in self.elsewhere or len(self.elsewhere) < MAX_ADDRESSES:
            self.elsewhere["not told" if source is None else str(source)] += 1


def _count(path: Path, counting: _Counting) -> str:
    """Why the file could not be read to its end; empty: it was."""
    try:
        with _bar(path.stat().st_size) as progress:
            file = InviteFile(path, progress)
            for source, invite in file.invites():
                counting.take(source, invite)
    except OSError as error:
        raise Refused(0, f"{path}: {error.strerror}.") from None
    except Unreadable as error:
        raise Refused(0, f"{path}: {error}") from None
    return file.damaged


@contextmanager
def _bar(size: int) -> Iterator[Callable[[int], None]]:
    if not sys.stderr.isatty() or size < SHOWN_BYTES:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=size)
        yield lambda done: bar.update(task, completed=done)


def _result(path: Path, tally: InviteTally, counting: _Counting, damaged: str, asked: bool) -> dict[str, Any]:
    forms = sorted(tally.forms.items(), key=lambda item: item[1].count, reverse=True)
    return {
        "file": str(path),
        "invites": counting.invites,
        "calls": tally.calls,
        "good": tally.good,
        "refused": tally.refused,
        "directory_known": asked,
        "damaged": damaged or None,
        "forms": [
            {
                "trunk": form.trunk,
                "shape": form.shape,
                "rules": list(form.rules),
                "calls": count.count,
                "good": count.known,
                "example": {"received": count.example[0], "did": count.example[1] or None},
            }
            for form, count in forms
        ],
        "unknown": [{"number": number, "calls": calls} for number, calls in tally.unknown.most_common()],
        "more_unknown": tally.more_unknown,
        "never_called": tally.never_called,
        "elsewhere": [{"address": address, "calls": calls} for address, calls in counting.elsewhere.most_common()],
        "suggestions": [
            {
                "trunk": one.trunk,
                "settings": list(one.settings),
                "good_now": one.good_now,
                "good_then": one.good_then,
                "calls": one.calls,
                "sentence": one.sentence,
            }
            for one in tally.suggestions()
        ],
    }


def _settings(asked: Invocation) -> Settings:
    try:
        return load(asked.config_path)
    except ConfigError as error:
        raise Refused(0, f"{asked.config_path}: {error}", fix="See `ringfence check-config`.") from None


def _rules(settings: Settings) -> dict[str, NumberRules]:
    return {trunk.name: number_of(trunk) for trunk in settings.trunk}


def _the_trunk(rules: dict[str, NumberRules], wanted: str | None) -> str:
    known = ", ".join(sorted(rules))
    if wanted is None and len(rules) == 1:
        return next(iter(rules))
    if wanted is None:
        usage("--trunk is missing: each trunk reads numbers in its own way.", f"Known: {known}.")
    if wanted not in rules:
        usage(f"--trunk: there is no trunk {wanted[:64]!r}.", f"Known: {known}.")
    return wanted


def _written(text: str) -> str:
    """A number as people write it down, or the URI or header it came in."""
    if "<" in text or text.partition(":")[0].lower() in ("sip", "sips", "tel"):
        return did_text(DidSource.TO if "<" in text else DidSource.REQUEST_URI, text)
    return "".join(text.split())


def _owner_of(asked: Invocation, did: str) -> Owners | None:
    """What the daemon knows of this one; None: none answers, or it will not say."""
    digits = did.removeprefix("+")
    query = {"after": f"+{int(digits) - 1}", "limit": "1"}
    try:
        found = asked.daemon().call("GET", "/v1/dids", query)["dids"]
    except (NoDaemon, Refused):
        return None
    return {item["did"]: item["owner"] for item in found if item["did"] == did}


def _explanation(asked: Invocation, did: str) -> dict[str, Any] | None:
    try:
        return asked.daemon().call("GET", f"/v1/explain/{path_part(did)}")
    except (NoDaemon, Refused):
        return None


def _verdict(refused: bool, is_e164: bool, known: bool | None) -> str:
    if refused:
        return "refused: the caller hears that there is no such number"
    if not is_e164:
        return "no DID: the call goes to the platform with the number as it came"
    if known is None:
        return "it reads; whether it is a DID of the directory, no daemon could be asked"
    return "a DID of the directory" if known else "not in the directory: its calls go to the platform as they come"
