"""Configuration: our TOML, what Asterisk's files are made of from it, and a site's own .conf files."""

from __future__ import annotations

import re
from typing import Final

from ringfence.asterisk.conf_files import general, included, is_generated, is_true, lines, sections
from ringfence.asterisk.site import SiteValueError
from ringfence.cli.install import edits
from ringfence.config import ConfigError, Secrets, load
from ringfence.config.advice import warnings
from ringfence.config.snippets import generated_snippets
from tests.fakes.smallest import smallest
from tests.fuzz.folder import new_folder
from tests.fuzz.target import Target, Try, holds, shape

_SECRETS: Final = Secrets.model_validate(
    {
        "ari_secret": "a-secret-of-ari-0123",
        "ami_secret": "a-secret-of-ami-0123",
        "http_token": "a-token-of-http-0123",
    }
)
_LINE: Final = re.compile(r"^(?:;.*|\[[A-Za-z0-9_.-]+\](?:\(.*\))?|#\w+ .*|[^\[\];=\s][^=]*=.*| same => .*| *)$")


def targets() -> tuple[Target, ...]:
    return (
        Target(
            "configuration",
            "ringfence.toml, and what Asterisk gets of it",
            "config.reading config.faults config.snippets config.asked_settings config.database_settings "
            "config.settings asterisk.site asterisk.site_outbound asterisk.connections asterisk.dialplan "
            "config.backup_settings config.http_settings config.usual_settings domain.networks "
            "domain.prompts domain.number_types domain.loopback hr.ldap_settings channels.email_settings",
            _configuration,
            made=lambda: (smallest().encode(),),
            max_bytes=16384,
        ),
        Target("asterisk-conf", "a site's own Asterisk files, with their includes", "asterisk.conf_files", _conf),
        Target("marked-blocks", "our marked blocks in a site's files", "cli.install.edits", _blocks),
    )


def _configuration() -> Try:
    path = new_folder() / "ringfence.toml"

    def attempt(data: bytes) -> str:
        path.write_bytes(data)
        try:
            settings = load(path)
        except ConfigError as error:
            holds(error.faults, "refused without a reason")
            for fault in error.faults:
                holds(str(path) in fault, "a fault without its file", fault)
                holds(not re.search(r"a:b@", fault), "a password is shown", fault)
            return shape(error.faults[0].partition(str(path))[2])
        warnings(settings)
        try:
            files = generated_snippets(settings, _SECRETS)
        except SiteValueError as error:
            return shape(error)
        for name, text in files.items():
            for line in text.splitlines():
                holds(_LINE.match(line), f"a line that is none in {name}", line)
            holds("\r" not in text and "\0" not in text, "an odd character in a file of Asterisk's", name)
        return f"taken, {len(settings.platform)} {len(settings.trunk)} {len(settings.egress_trunk)}"

    return attempt


def _conf() -> Try:
    etc = new_folder()
    (etc / "x.conf").write_text("[x]\na=b\n#include a.conf\n")
    (etc / "sub").mkdir()

    def attempt(data: bytes) -> str:
        (etc / "a.conf").write_bytes(data)
        found = sections(etc, "a.conf")
        for section in found:
            is_true(section.last("a"))
        general(etc, "a.conf")
        count = sum(1 for _ in lines(etc, "a.conf"))
        is_generated(etc / "a.conf")
        return f"{min(len(found), 4)} sections, {min(count, 8)} lines, {min(len(included(etc, 'a.conf')), 4)} files"

    return attempt


def _blocks() -> Try:
    etc = new_folder()

    def attempt(data: bytes) -> str:
        path = etc / "a.conf"
        path.write_bytes(data)
        marked, is_in = bool(edits.marked_files(etc)), edits.is_marked(path, 3)
        taken = edits.take_out_marked(path)
        left = path.read_bytes()
        holds(taken == (left != data), "says it changed what it did not", data[:80])
        holds(not edits.marked_files(etc) or b">>> ringfence" in left, "a block is left", left[:80])
        # Only lines of ours may go: what stood around them stands.
        holds(_is_within(left, data), "somebody's own lines are gone or moved", data[:80])
        return f"{marked} {is_in} {taken}"

    return attempt


def _is_within(left: bytes, data: bytes) -> bool:
    rest = iter(data)
    return all(any(byte == one for one in rest) for byte in left)
