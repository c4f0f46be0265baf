"""Where the program listens, connects, starts another program and makes files: found in the code, so that no list of
them can forget one."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache

from tests.tidy.tree import SERVICE, python_files, tree_of

LISTENS, CONNECTS, STARTS, MAKES = "listens", "connects", "starts", "makes"

_CALLS = {
    LISTENS: {"start_server", "start_unix_server", "create_server", "create_unix_server", "bind", "listen"},
    CONNECTS: {
        *("open_connection", "open_unix_connection", "create_connection", "create_datagram_endpoint", "sock_connect"),
        *("connect", "connect_ex", "sendto", "ClientSession", "ws_connect", "urlopen", "SMTP", "SMTP_SSL"),
        *("Connection", "create_async_engine", "create_engine"),
    },
    STARTS: {"create_subprocess_exec", "create_subprocess_shell", "Popen", "check_output", "check_call", "execv"},
    MAKES: {"write_text", "write_bytes", "mkdir", "makedirs", "chmod", "fchmod", "touch", "mkstemp", "symlink_to"},
}
_WRITING = ("w", "a", "x")


@cache
def openings() -> dict[str, dict[str, list[str]]]:
    """What -> module, as `web.server` -> the calls, as they are written."""
    found: dict[str, dict[str, list[str]]] = {what: defaultdict(list) for what in _CALLS}
    for path in python_files(SERVICE):
        module = ".".join(path.relative_to(SERVICE).with_suffix("").parts)
        for what, call in _calls(tree_of(path)):
            if not _is_meant_otherwise(module, call):
                found[what][module].append(call)
    return found


def _calls(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        last = name.rpartition(".")[2]
        for what, names in _CALLS.items():
            if last in names:
                yield what, ast.unparse(node)
        if name in ("subprocess.run", "subprocess.call", "os.system"):
            yield STARTS, ast.unparse(node)
        if last == "open" and _writes(name, node):
            yield MAKES, ast.unparse(node)


def _writes(name: str, node: ast.Call) -> bool:
    words = [ast.unparse(argument) for argument in [*node.args, *(keyword.value for keyword in node.keywords)]]
    if name == "os.open":
        return any("O_CREAT" in word for word in words)
    modes = [word.strip("'") for word in words[: 2 if name == "open" else 1] + words[1:2]]
    return any(mode[:1] in _WRITING and len(mode) <= 3 for mode in modes)


_OTHERWISE: dict[str, Callable[[str], bool]] = {
    # Who wants to be told, and no socket.
    "bootstrap.dialplan_side": lambda call: "_link.listen(" in call,
    "bootstrap.node": lambda call: "link.listen(" in call,
    # LDAP's word for signing in; h11's state of one, which opens none; an archive's inside; SQLAlchemy's events.
    "hr.ldap_link": lambda call: call.startswith("connection.bind("),
    "probes.http": lambda call: call.startswith("h11."),
    "app.backup.archive": lambda call: "fileobj=" in call,
    "app.incident_evidence": lambda call: call.startswith("pack.open("),
    "voice.wave": lambda call: call.startswith("wave.open("),
    "store.sqlite": lambda call: call.startswith("event.listen("),
}


def _is_meant_otherwise(module: str, call: str) -> bool:
    return module in _OTHERWISE and _OTHERWISE[module](call)
