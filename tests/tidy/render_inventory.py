"""`docs/reference/ports-files-secrets.md`, printed from the code, the packaging and Asterisk's snippets.

Run `python -m tests.tidy.render_inventory` after a change of any; a tidy test keeps both equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import UnionType
from typing import Any, get_args

from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from starlette.routing import Mount

from ringfence.config import Settings
from ringfence.config.reading import ENVIRONMENT_PREFIX, PASSWORD_SECRET, SEALED_ACCOUNTS
from ringfence.config.reading import SECRETS as STANDING
from ringfence.web.app import operations
from ringfence.web.permissions import FOR_ALL_WHO_ARE_KNOWN, OPERATIONS
from ringfence.web.sign_in_door import SignInDoor
from tests.fakes.roster_node import RosterNode
from tests.tidy import inventory
from tests.tidy.openings import CONNECTS, LISTENS, MAKES, STARTS, openings
from tests.tidy.tree import ROOT, text_of

PAGE = ROOT / "docs" / "reference" / "ports-files-secrets.md"

INTRODUCTION = """# Ports, files and secrets, as the code has them

*For whoever reviews the program: everything that opens something. An administrator's view of the same machine, with
ports, owners and modes, is in [security](../howto/security.md).*

Printed by `python -m tests.tidy.render_inventory`; do not edit it. The places are found in the code: one that this page
does not know fails a test.
"""

SECRET_FIELD = re.compile(r"(password|token|secret|key)_file$|^private_key$|^known_hosts$")


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION, *_listening(), *_strangers(), *_connecting(), *_starting(), *_accounts(), *_making()]
    return "\n".join([*parts, *_secrets()])


def unlisted() -> list[str]:
    """Places in the code that nothing is said of, and sayings about places that are gone."""
    found = []
    for what, said in (
        (LISTENS, inventory.LISTENING),
        (CONNECTS, inventory.CONNECTING),
        (STARTS, inventory.STARTING),
        (MAKES, inventory.MAKING),
    ):
        there: Mapping[str, object] = openings()[what]
        found += [f"{what}: {module}" for module in sorted(set(there) ^ set(said))]
    found += [f"open: {path}" for path in sorted(set(open_paths()) ^ (set(inventory.STRANGERS) - {"/scim/..."}))]
    return found + [f"secret: {name}" for name in sorted(set(standing_secrets()) - set(inventory.SECRETS))]


def open_paths() -> list[str]:
    """Every path that no permission stands before."""
    node, found = RosterNode(), set()
    services = replace(node.services, sign_in=SignInDoor(node.access.desk, node.clock))
    for route in iter_route_contexts(operations(services).routes):
        if isinstance(route.original_route, Mount):
            continue
        operation = str(getattr(route, "operation_id", ""))
        if operation not in OPERATIONS and operation not in FOR_ALL_WHO_ARE_KNOWN:
            found.add(str(route.path))
    return sorted(found)


def standing_secrets() -> list[str]:
    """Those with a name of their own; the others are named by the configuration's."""
    return [*STANDING, PASSWORD_SECRET, SEALED_ACCOUNTS]


def secret_fields(model: type[BaseModel] = Settings, place: str = "") -> Iterator[str]:
    """Every setting that names a file with a secret in it."""
    for name, field in model.model_fields.items():
        if SECRET_FIELD.search(name):
            yield f"{place}{name}"
        for inner in _models_in(field.annotation):
            yield from secret_fields(inner, f"{place}{name}.")


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif isinstance(annotation, UnionType) or get_args(annotation):
        for part in get_args(annotation):
            yield from _models_in(part)


def _table(*columns: str) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"


def _listening() -> Iterator[str]:
    yield "## Where it listens\n"
    yield from _table("module", "where", "who is let in by")
    yield from (f"| `{module}` | {where} | {by} |" for module, (where, by) in sorted(inventory.LISTENING.items()))
    yield ""


def _strangers() -> Iterator[str]:
    yield "## What answers without a sign-in\n"
    yield "By HTTP, once the Host header names this service. Everything else answers 401, or the page to sign in; what"
    yield "each role may do is in [permissions](permissions.md).\n"
    yield from _table("path", "what it tells or does")
    yield from (f"| `{path}` | {words} |" for path, words in inventory.STRANGERS.items())
    yield ""


def _connecting() -> Iterator[str]:
    yield "## Where it connects to\n"
    yield "Nothing but what the configuration names; no proxy of the environment is used, and no redirect to another"
    yield "host followed. A notice by Apprise goes where that library's address for the service leads.\n"
    yield from _table("module", "where to", "how both know each other")
    yield from (f"| `{module}` | {where} | {by} |" for module, (where, by) in sorted(inventory.CONNECTING.items()))
    yield ""


def _starting() -> Iterator[str]:
    yield "## Which programs it starts\n"
    yield "None by a shell.\n"
    yield from _table("module", "which")
    yield from (f"| `{module}` | {words} |" for module, words in sorted(inventory.STARTING.items()))
    yield ""


def _accounts() -> Iterator[str]:
    unit = dict(re.findall(r"^(\w+)=(.*)$", text_of(ROOT / "docker/systemd/ringfence.service"), re.MULTILINE))
    sysusers = re.findall(r"^u (\w+) ", text_of(ROOT / "docker/debian/sysusers.conf"), re.MULTILINE)
    groups = re.findall(r"usermod --append --groups (\w+) ", text_of(ROOT / "docker/debian/postinst"))
    numbers = re.findall(r"useradd --system --uid (\d+) .*?(\w+) \\?$", _joined("docker/Dockerfile"), re.MULTILINE)
    manager = dict(re.findall(r"^(\w+)=(.*)$", text_of(ROOT / "asterisk-conf/manager_ringfence.conf"), re.MULTILINE))
    ari = dict(re.findall(r"^(\w+)=(.*)$", text_of(ROOT / "asterisk-conf/ari_ringfence.conf"), re.MULTILINE))
    yield "## Accounts\n"
    yield from _table("account", "of", "may")
    yield (
        f"| `{', '.join(sysusers)}` | the machine | run the daemon (`User={unit['User']}`), no capability; in "
        f"group `{', '.join(groups)}` on installation |"
    )
    for number, name in sorted(set(numbers)):
        yield f"| `{name}` ({number}) | a container | run its program, no capability |"
    yield f"| `ringfence` | AMI | read `{manager['read']}`, write `{manager['write']}`, from {manager['permit']} |"
    yield f"| `ringfence` | ARI | all of it (`read_only={ari['read_only']}`) |"
    yield "| people, keys, two sealed accounts, the token | the page and API | [permissions](permissions.md) |"
    yield "| the role in `database` | PostgreSQL | own one database ([how](../howto/use-postgresql.md)) |"
    yield ""


def _joined(name: str) -> str:
    return re.sub(r"\\\n\s*", "", text_of(ROOT / name)).replace("&&", "\n")


def _making() -> Iterator[str]:
    yield "## What it writes\n"
    yield "The daemon and what changes the database run with the umask 0077, the daemon without core dumps. A file with"
    yield "a secret or a private number is made for its owner alone, and opened up afterwards, if at all.\n"
    yield from _table("module", "what", "mode")
    yield from (f"| `{module}` | {what} | {mode} |" for module, (what, mode) in sorted(inventory.MAKING.items()))
    yield ""


def _secrets() -> Iterator[str]:
    yield "## Secrets\n"
    variable = f"{ENVIRONMENT_PREFIX}NAME"
    yield f"Each is read from a variable `{variable}`, the file that `{variable}_FILE` names, a credential of"
    yield "systemd's, or the file of its name beside the configuration; in that order. How each is changed is in"
    yield "[security](../howto/security.md#secrets-and-changing-them). None is logged, shown or put into an argument.\n"
    yield from _table("name", "made by", "who else has it")
    yield from (f"| `{name}` | {maker} | {other} |" for name, (maker, other) in inventory.SECRETS.items())
    yield "| API keys, sessions | the daemon | whoever got it; here its SHA-256 alone |"
    yield "| the backup's key | `ringfence backup new-key` | whoever keeps it; here its public half |"
    yield ""
    yield "Settings that name a file with a secret, or one that trust hangs on:\n"
    yield "`" + "`, `".join(sorted(set(secret_fields()))) + "`."
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
