"""The checks in order, and what runs them. To add one: a function in a `*_checks.py`, a line here, a test."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ringfence.app.ports import AsteriskError, AsteriskLoginRefused, AsteriskUnavailable
from ringfence.cli.doctor import (
    astdb_checks,
    asterisk_checks,
    backup_checks,
    daemon_checks,
    endpoint_checks,
    entry_checks,
    local_checks,
    machine_checks,
    number_checks,
    probe_checks,
    record_checks,
    site_file_checks,
    voice_checks,
)
from ringfence.cli.doctor.finding import Finding, fail, unknown
from ringfence.cli.doctor.ground import Ground, Need

CHECK_DEADLINE_SECONDS: Final = 15.0

NOTHING: Final = frozenset[Need]()
SETTINGS: Final = frozenset({Need.SETTINGS})
SECRETS: Final = SETTINGS | {Need.SECRETS}
AMI: Final = SECRETS | {Need.AMI}
ARI: Final = SECRETS | {Need.ARI}


@dataclass(frozen=True, slots=True)
class Check:
    """One question. Without what it needs it is not asked, and its answer is "cannot tell"."""

    name: str
    needs: frozenset[Need]
    run: Callable[[Ground], Awaitable[list[Finding]]]


CHECKS: Final = (
    Check("configuration", NOTHING, local_checks.configuration),
    Check("secrets", NOTHING, local_checks.secrets),
    Check("asterisk secrets", SETTINGS, local_checks.asterisk_secrets),
    Check("database", SETTINGS, local_checks.database),
    Check("certificate", SETTINGS, entry_checks.certificate),
    Check("sign-in", SETTINGS, entry_checks.sign_in),
    Check("call records", SETTINGS, record_checks.call_records),
    Check("prompts", SETTINGS, voice_checks.prompts),
    Check("own host name", NOTHING, local_checks.own_host_name),
    Check("far end names", SETTINGS, machine_checks.far_end_names),
    Check("probe files", SETTINGS, probe_checks.probe_files),
    Check("far ends asked", SETTINGS, probe_checks.far_ends_asked),
    Check("clock", NOTHING, machine_checks.clock),
    Check("backup", SETTINGS, backup_checks.backup),
    Check("daemon", SETTINGS, daemon_checks.daemon),
    Check("own port", SETTINGS, machine_checks.own_port),
    Check("include", SETTINGS, local_checks.includes),
    Check("include place", SETTINGS, site_file_checks.include_place),
    Check("context names", SETTINGS, site_file_checks.context_names),
    Check("generated files", SETTINGS, site_file_checks.generated_files),
    Check("asterisk options", SETTINGS, site_file_checks.asterisk_options),
    Check("private logs", SETTINGS, site_file_checks.private_logs),
    Check("doors", SETTINGS, site_file_checks.doors),
    Check("snippets", SECRETS, local_checks.snippets_current),
    Check("ami login", SECRETS, asterisk_checks.ami_login),
    Check("ami privileges", AMI, asterisk_checks.ami_privileges),
    Check("ari login", SECRETS, asterisk_checks.ari_login),
    Check("modules", AMI, asterisk_checks.modules),
    Check("second timeout", NOTHING, asterisk_checks.second_timeout),
    Check("dialplan", AMI, asterisk_checks.dialplan_loaded),
    Check("dialplan edition", AMI, asterisk_checks.dialplan_edition),
    Check("dialplan rows", AMI, backup_checks.dialplan_reads),
    Check("endpoints", ARI, endpoint_checks.endpoints_exist),
    Check("endpoint guards", AMI, endpoint_checks.endpoints_guarded),
    Check("addresses", AMI, endpoint_checks.addresses),
    Check("evidence", AMI | ARI, endpoint_checks.evidence),
    Check("registrations", AMI, probe_checks.registrations_there),
    Check("table", AMI, astdb_checks.table_published),
    Check("table rows", AMI, astdb_checks.table_complete),
    Check("fallback numbers", AMI, number_checks.fallback_numbers),
    Check("deliverable", AMI, number_checks.deliverable),
    Check("table equal", SETTINGS, daemon_checks.table_equal),
    Check("table platforms", SETTINGS, daemon_checks.platforms_known),
    Check("table loops", SETTINGS, daemon_checks.no_loops),
)


async def examine_links(config_path: Path) -> list[Finding]:
    """Every check on this machine's own Asterisk."""
    found = shutil.which("asterisk")
    return await run_checks(Ground(config_path, console=(found,) if found else ()))


async def run_checks(ground: Ground) -> list[Finding]:
    """Every check in order, each within its deadline; what they opened is closed again."""
    findings: list[Finding] = []
    try:
        for check in CHECKS:
            findings += [replace(finding, check=check.name) for finding in await _run(check, ground)]
    finally:
        await ground.close()
    return findings


async def _run(check: Check, ground: Ground) -> list[Finding]:
    if (need := ground.missing(check.needs)) is not None:
        why = ground.lost.get(need, "see above")
        return [unknown(f"Not asked: it needs {need.value}, which is not to be had ({why}).")]
    try:
        async with asyncio.timeout(CHECK_DEADLINE_SECONDS):
            return await check.run(ground)
    except TimeoutError:
        return [unknown(f"No answer within {CHECK_DEADLINE_SECONDS:g} s.", "Is Asterisk overloaded?")]
    except AsteriskLoginRefused as error:
        return [fail(error.message, error.fix)]
    except AsteriskUnavailable as error:
        # It was there a moment ago: nobody waits for it in every check that follows.
        for lost in check.needs & {Need.AMI, Need.ARI}:
            ground.lost[lost] = error.message
        return [fail(error.message, error.fix or "Is Asterisk frozen, overloaded or being restarted?")]
    except AsteriskError as error:
        return [unknown(error.message, error.fix)]
