"""What Asterisk answers over AMI and ARI: that we get in, may do what we must, and find what calls need."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ringfence.app.ports import AsteriskError, AsteriskLoginRefused, AsteriskUnavailable
from ringfence.asterisk.ami import AmiSession, AmiSettings
from ringfence.asterisk.ari import AriClient, AriSettings
from ringfence.asterisk.needed_modules import DOOR_MODULES, NEEDED_MODULES
from ringfence.cli.doctor.finding import Finding, fail, ok, unknown
from ringfence.cli.doctor.ground import Ground, ask, variable
from ringfence.cli.programs import output_of
from ringfence.config import ConfigError
from ringfence.config.snippets import INCLUDES, SITE_DIALPLAN, generated_snippets

SCRATCH_KEY: Final = "doctor"
_EDITION: Final = re.compile(r"GLOBAL\(RF_SITE\)=([0-9a-f]+)")
CONSOLE_DEADLINE_SECONDS: Final = 5.0
DIAL_MANUAL: Final = "core show application Dial"

# One extension of each context a call goes through, so that a half-loaded dialplan is seen.
_CONTEXTS: Final = (
    ("ringfence-site", "s"),
    ("ringfence-inbound", "number"),
    ("ringfence-route", "+441134960000"),
    ("ringfence-status", "503"),
    ("ringfence-plan", "s"),
    ("ringfence-egress", "s"),
    ("ringfence-announce", "s"),
)


@dataclass(frozen=True, slots=True)
class _Trial:
    """An action we depend on, tried in a way that changes nothing but the scratch key."""

    action: str
    fields: Mapping[str, str]
    privilege: str
    used_for: str


_SCRATCH: Final = {"Family": "ringfence", "Key": SCRATCH_KEY}
_TRIALS: Final = (
    _Trial("DBPut", {**_SCRATCH, "Val": "1"}, "system", "publish"),
    _Trial("DBGet", _SCRATCH, "system", "read back"),
    _Trial("DBDel", _SCRATCH, "system", "publish"),
    _Trial("PJSIPShowEndpoint", {"Endpoint": "ringfence-doctor"}, "system", "check endpoints"),
    _Trial("ModuleCheck", {"Module": "app_dial"}, "system", "check modules"),
    _Trial("Hangup", {"Channel": "PJSIP/ringfence-doctor", "Cause": "34"}, "call", "free trapped callers"),
    _Trial("Getvar", {"Variable": "RF_SITE"}, "call", "check the dialplan"),
)


async def ami_login(ground: Ground) -> list[Finding]:
    """Refused connection, refused login and a frozen Asterisk are three different things to do."""
    asterisk = ground.settings.asterisk
    secret = ground.secrets.ami_secret.get_secret_value()
    where = AmiSettings(asterisk.ami_user, secret, asterisk.host, asterisk.ami_port)
    try:
        ground.ami_session = await AmiSession.open(where)
    except AsteriskError as error:
        return [_failed(error)]
    return [ok(f"AMI lets user '{asterisk.ami_user}' in on {asterisk.host}:{asterisk.ami_port}.")]


async def ami_privileges(ground: Ground) -> list[Finding]:
    """Every action we depend on is tried; what Asterisk refuses is named with the class it needs."""
    refused: dict[str, list[str]] = {}
    for trial in _TRIALS:
        try:
            await ask(ground.ami, trial.action, trial.fields)
        except AsteriskLoginRefused:
            refused.setdefault(trial.privilege, []).append(f"{trial.action} ({trial.used_for})")
    if not refused:
        return [ok("The AMI user may do everything it needs.")]
    user = ground.settings.asterisk.ami_user
    return [
        fail(
            f"AMI user '{user}' lacks privilege `{privilege}`: it may not {', '.join(actions)}.",
            f"Add `{privilege}` to its write= (and read=) in manager.conf, then `asterisk -rx 'manager reload'`.",
        )
        for privilege, actions in refused.items()
    ]


async def ari_login(ground: Ground) -> list[Finding]:
    """Opens an event stream of its own name and sets its filter: HTTP, WebSocket, login and rights in one."""
    asterisk = ground.settings.asterisk
    where = AriSettings(
        asterisk.ari_user,
        ground.secrets.ari_secret.get_secret_value(),
        f"{ground.settings.node}-doctor",
        f"http://{asterisk.host}:{asterisk.ari_port}",
    )
    ground.ari_client = await AriClient(where).__aenter__()
    try:
        socket = await ground.ari_client.events()
        try:
            await ground.ari_client.filter_events()
        finally:
            await socket.close()
    except AsteriskError as error:
        client, ground.ari_client = ground.ari_client, None
        await client.__aexit__(None, None, None)
        return [_failed(error)]
    return [ok(f"ARI lets user '{asterisk.ari_user}' in on {where.url}, and sends events.")]


async def modules(ground: Ground) -> list[Finding]:
    """Everything the dialplan and the daemon use is loaded."""
    needed = NEEDED_MODULES | (DOOR_MODULES if ground.settings.fastagi.enabled else {})
    missing = await modules_missing(ground, needed)
    if not missing:
        return [ok(f"All {len(needed)} modules needed are loaded.")]
    return [fail(f"Asterisk has not loaded {module}.so, needed for {needed[module]}.", fix) for module, fix in missing]


async def modules_missing(ground: Ground, needed: Iterable[str]) -> list[tuple[str, str]]:
    """Those that are not loaded, each with what to do."""
    return [
        (module, f"`asterisk -rx 'module load {module}.so'`; see that modules.conf loads it at every start.")
        for module in needed
        if not (await ask(ground.ami, "ModuleCheck", {"Module": module})).success
    ]


async def second_timeout(ground: Ground) -> list[Finding]:
    """Whether Dial knows `ring^no_progress`. Asked of its own manual, which AMI shows to class `command` only, and we
    do not want that right: so the local console is asked, or nobody."""
    by_hand = f"Look by hand: `asterisk -rx '{DIAL_MANUAL}'` must speak of `progress` under `timeout`."
    if not ground.console:
        return [unknown("Not asked: there is no Asterisk console on this machine for us.", by_hand)]
    manual = await console(ground.console, DIAL_MANUAL)
    if manual is None:
        return [unknown("Not asked: Asterisk's console did not let us in. Run as root.", by_hand)]
    _, _, arguments = manual.partition("[Arguments]")
    timeout = arguments.partition("timeout")[2].partition("options")[0].lower()
    if "progress" in timeout:
        return [ok("Dial has its second timeout.")]
    return [
        fail(
            "This Asterisk's Dial has no second timeout: a frozen platform would hold every caller for 32 s.",
            "Use Asterisk 20 or later.",
        )
    ]


async def dialplan_loaded(ground: Ground) -> list[Finding]:
    """Asked of Asterisk, not of a file: every context a call goes through, and one entry a trunk."""
    if not (await ask(ground.ami, "ModuleCheck", {"Module": "func_dialplan"})).success:
        return [unknown("Without func_dialplan.so Asterisk cannot say what is loaded.", "Load that module.")]
    wanted = [*_CONTEXTS, *((f"ringfence-in-{trunk.name}", "+441134960000") for trunk in ground.settings.trunk)]
    missing = [
        context
        for context, extension in wanted
        if await variable(ground.ami, f"DIALPLAN_EXISTS({context},{extension},1)") != "1"
    ]
    if not missing:
        gone = [finding async for finding in _gone(ground)]
        return gone or [ok(f"All {len(wanted)} contexts are loaded.")]
    include = INCLUDES[0]
    return [
        fail(
            f"Asterisk has not loaded {', '.join(missing)}.",
            f"See that {ground.asterisk_etc / include.asterisk_file} has `{include.line}`, then "
            f"`asterisk -rx '{include.reload}'`.",
        )
    ]


async def _gone(ground: Ground) -> AsyncIterator[Finding]:
    """Contexts of the site's own that NORMAL calls are to be handed to, and that are not there."""
    for trunk in ground.settings.trunk:
        if trunk.normal_context and await variable(ground.ami, f"DIALPLAN_EXISTS({trunk.normal_context})") != "1":
            yield fail(
                f"Your dialplan has no context {trunk.normal_context!r}: Ringfence dials the platform itself for "
                f"trunk {trunk.name!r}, past your own dialplan.",
                "Set `normal_context` to its name, `ringfence snippets`, then `asterisk -rx 'dialplan reload'`.",
            )


async def dialplan_edition(ground: Ground) -> list[Finding]:
    """Whether calls run by the dialplan as the configuration makes it now. Each call leaves the edition it ran by
    in a global variable; before the first one, nobody knows."""
    try:
        text = generated_snippets(ground.settings, ground.secrets)[SITE_DIALPLAN]
    except ConfigError as error:
        return [unknown(error.faults[0])]
    made = _EDITION.search(text)
    ran = await variable(ground.ami, "RF_SITE")
    if made is not None and ran == made[1]:
        return [ok("The last call ran by the configuration as it is.")]
    if not ran:
        return [unknown("No call has come in since Asterisk started, so none can have told.")]
    return [
        unknown(
            "The last call ran by an older configuration; nobody has called since it was reloaded, or it was not.",
            "`asterisk -rx 'dialplan reload'`; the next call tells.",
        )
    ]


async def console(command: tuple[str, ...], line: str) -> str | None:
    """What the console prints; None when it did not let us in or did not answer in time."""
    try:
        output = await output_of([*command, "-rx", line], CONSOLE_DEADLINE_SECONDS)
    except OSError:
        return None
    return output.text.decode(errors="replace") if output.status == 0 else None


def _failed(error: AsteriskError) -> Finding:
    fix = error.fix
    if not fix and isinstance(error, AsteriskUnavailable):
        fix = "Is Asterisk frozen or overloaded? `asterisk -rx 'core show uptime'` answers at once when it is well."
    return fail(error.message, fix)
