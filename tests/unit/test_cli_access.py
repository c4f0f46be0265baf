"""`ringfence access` against a real server on a local socket, with the real desk behind it."""

from __future__ import annotations

import asyncio
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ringfence.app.access.tokens import typed
from ringfence.bootstrap.passwords import Argon2Passwords, hashed
from ringfence.bootstrap.sealed_file import ACCOUNTS, SealedFile, read
from ringfence.domain.access import Permission, Role
from tests.fakes.access import ACCOUNT
from tests.fakes.thread import ServedNode
from tests.unit.command_line import ringfence, told

WHY = ("--reason", "drill")


def fresh_hashes(home: Path) -> Mapping[str, str]:
    return asyncio.run(SealedFile(home / "break_glass").read())


def fits(hash_: str, password: str) -> bool:
    return asyncio.run(Argon2Passwords().fits(hash_, typed(password)))


def test_me_is_the_person_at_the_keyboard_with_everything(served: ServedNode) -> None:
    found = told(ringfence(served, "access", "me", "--json"))
    assert (found["name"], found["by"]) == ("ada", "local socket")
    assert {one["permission"] for one in found["permissions"]} >= {"manage", "reveal", "export"}
    assert "ada, by local socket" in ringfence(served, "access", "me").stdout


def test_a_key_is_made_shown_once_and_revoked(served: ServedNode) -> None:
    made = ringfence(served, "access", "keys", "create", "monitoring", "--may", "see", "--may", "audit")
    token = made.stdout.strip()
    assert made.exit_code == 0 and token.startswith("rf_") and "\n" not in token
    listed = ringfence(served, "access", "keys", "list")
    assert "monitoring" in listed.stdout and "audit, see" in listed.stdout and "never" in listed.stdout
    assert token not in listed.output
    (key,) = told(ringfence(served, "access", "keys", "list", "--json"))["keys"]
    assert (key["made_by"], key["valid"]) == ("ada", True)
    assert ringfence(served, "access", "keys", "revoke", key["id"], *WHY).exit_code == 0
    assert "revoked by ada" in ringfence(served, "access", "keys", "list").stdout


@pytest.mark.parametrize("wrong", [("--may", "rule"), ("--may", "own"), ("--may", "see", "--days", "900"), ()])
def test_a_key_that_may_not_be_is_refused(served: ServedNode, wrong: tuple[str, ...]) -> None:
    assert ringfence(served, "access", "keys", "create", "monitoring", *wrong).exit_code in (1, 2)
    assert told(ringfence(served, "access", "keys", "list", "--json"))["in_all"] == 0


@pytest.mark.parametrize("unknown", ["fly", "own"])
def test_what_a_key_can_be_given_is_named(served: ServedNode, unknown: str) -> None:
    refused = ringfence(served, "access", "keys", "create", "monitoring", "--may", "see", "--may", unknown)
    assert refused.exit_code == 2
    named = re.search(r"It can be given: (.*)\.", refused.stderr)
    assert named is not None and set(named.group(1).split(", ")) == set(Permission) - {Permission.OWN}


def test_who_is_signed_in_is_listed_and_thrown_out(served: ServedNode) -> None:
    for name in ("grace", "grace", "linus"):
        served.wait_for(lambda node, name=name: node.access.signed_in(Role.VIEWER, name=name))  # type: ignore[misc]
    assert told(ringfence(served, "access", "sessions", "list", "--name", "grace", "--json"))["in_all"] == 2
    done = told(ringfence(served, "access", "sessions", "revoke", "--name", "grace", *WHY, "--json"))
    assert done == {"ended": 2}
    (left,) = told(ringfence(served, "access", "sessions", "list", "--json"))["sessions"]
    assert left["name"] == "linus"
    assert ringfence(served, "access", "sessions", "revoke", left["id"], *WHY).exit_code == 0
    assert "There is no session." in ringfence(served, "access", "sessions", "list").stdout
    assert ringfence(served, "access", "sessions", "revoke", left["id"], *WHY).exit_code == 1
    assert ringfence(served, "access", "sessions", "revoke", *WHY).exit_code == 2


def test_the_sealed_accounts_are_shown(served: ServedNode) -> None:
    shown = ringfence(served, "access", "break-glass", "status")
    assert shown.exit_code == 0
    assert all(name in shown.stdout for name in ACCOUNTS) and "never" in shown.stdout and "ready" in shown.stdout


def test_renew_makes_a_password_that_fits_and_leaves_the_other(tmp_path: Path) -> None:
    config = tmp_path / "ringfence.toml"
    config.touch()
    first, second = (
        told(ringfence(None, "access", "break-glass", "renew", a, "--json", config=config)) for a in ACCOUNTS
    )
    assert first["daemon_told"] is False
    hashes = fresh_hashes(tmp_path)
    assert fits(hashes[ACCOUNTS[0]], first["password"])
    assert fits(hashes[ACCOUNTS[1]], second["password"])
    assert not fits(hashes[ACCOUNTS[0]], second["password"])
    assert stat.S_IMODE((tmp_path / "break_glass").stat().st_mode) == 0o600
    again = ringfence(None, "access", "break-glass", "renew", ACCOUNTS[0], config=config)
    assert ACCOUNTS[0] in again.stdout and "envelope" in again.stdout
    after = fresh_hashes(tmp_path)
    assert not fits(after[ACCOUNTS[0]], first["password"])
    assert after[ACCOUNTS[1]] == hashes[ACCOUNTS[1]]


def test_renew_tells_the_daemon_who_did_it(served: ServedNode, tmp_path: Path) -> None:
    config = tmp_path / "ringfence.toml"
    config.touch()
    served.wait_for(lambda node: node.access.desk.tidy())

    def renewed_in_the_file(node: Any) -> None:
        node.access.accounts.hashes[ACCOUNT] = "hash of fresh"

    served.call(renewed_in_the_file)
    done = told(ringfence(served, "access", "break-glass", "renew", ACCOUNT, "--json", config=config))
    assert done["daemon_told"] is True
    facts = [fact for fact in served.node.access.store.facts if fact.action == "break_glass_renewed"]
    assert facts[-1].who == "ada"


@pytest.mark.parametrize("name", ["root", "break-glass-3", "break-glass-1:x"])
def test_there_are_two_sealed_accounts_and_no_more(tmp_path: Path, name: str) -> None:
    config = tmp_path / "ringfence.toml"
    config.touch()
    assert ringfence(None, "access", "break-glass", "renew", name, config=config).exit_code == 1
    assert list(tmp_path.iterdir()) == [config]


def test_renew_beside_no_configuration_writes_nothing(tmp_path: Path) -> None:
    done = ringfence(None, "access", "break-glass", "renew", ACCOUNT, config=tmp_path / "ringfence.toml")
    assert done.exit_code == 1
    assert list(tmp_path.iterdir()) == []


async def test_what_is_no_hash_fits_nothing() -> None:
    hasher = Argon2Passwords()
    for wrong in ("", "x", "$argon2id$v=19$m=1,t=1,p=1$x$y", hashed("other")):
        assert not await hasher.fits(wrong, "password")


def test_the_file_is_read_as_people_may_leave_it(tmp_path: Path) -> None:
    path = tmp_path / "break_glass"
    path.write_text("\n break-glass-1 : $argon2id$x:y \n\nbreak-glass-2:z\n")
    assert read(path) == {"break-glass-1": "$argon2id$x:y", "break-glass-2": "z"}
