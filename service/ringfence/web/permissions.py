"""What each operation asks for: the one table. `docs/reference/permissions.md` prints it, and a test asks every role
for every operation."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from starlette.requests import Request

from ringfence.domain.access import Permission
from ringfence.web.errors import NotPermitted
from ringfence.web.security import caller

OPERATIONS: Final[Mapping[str, Permission]] = MappingProxyType(
    {
        "status": Permission.SEE,
        "status_changes": Permission.SEE,
        "explain": Permission.SEE,
        "simulate": Permission.SEE,
        "shadow": Permission.SEE,
        "calls": Permission.SEE,
        "history": Permission.SEE,
        "set_override": Permission.ORDER,
        "release_override": Permission.ORDER,
        "override_targets": Permission.SEE,
        "preview_override": Permission.SEE,
        "undo_override": Permission.ORDER,
        "pending_overrides": Permission.SEE,
        "approve_override": Permission.ORDER,
        "reject_override": Permission.ORDER,
        "failback": Permission.ORDER,
        "import": Permission.MANAGE,
        "export": Permission.EXPORT,
        "dids": Permission.SEE,
        "teams": Permission.SEE,
        "hr_sources": Permission.SEE,
        "hr_sync": Permission.PLANS,
        "hr_runs": Permission.SEE,
        "hr_conflicts": Permission.SEE,
        "hr_plans": Permission.SEE,
        "hr_plan": Permission.SEE,
        "decide_hr_plan": Permission.PLANS,
        "find_people": Permission.SEE,
        "person": Permission.SEE,
        "person_history": Permission.SEE,
        "enter_numbers": Permission.PEOPLE,
        "clear_numbers": Permission.PEOPLE,
        "enter_facts": Permission.PEOPLE,
        "clear_facts": Permission.PEOPLE,
        "enter_dids": Permission.PEOPLE,
        "clear_dids": Permission.PEOPLE,
        "release_did": Permission.PEOPLE,
        "enter_away": Permission.PEOPLE,
        "clear_away": Permission.PEOPLE,
        "enter_today": Permission.PEOPLE,
        "clear_today": Permission.PEOPLE,
        "enter_on_call": Permission.PEOPLE,
        "clear_on_call": Permission.PEOPLE,
        "enter_leaving": Permission.PEOPLE,
        "clear_leaving": Permission.PEOPLE,
        "forget_person": Permission.MANAGE,
        "me": Permission.OWN,
        "enter_my_numbers": Permission.OWN,
        "clear_my_numbers": Permission.OWN,
        "enter_my_facts": Permission.OWN,
        "clear_my_facts": Permission.OWN,
        "enter_my_today": Permission.OWN,
        "clear_my_today": Permission.OWN,
        "enter_my_away": Permission.OWN,
        "clear_my_away": Permission.OWN,
        "coverage": Permission.SEE,
        "coverage_history": Permission.SEE,
        "audit": Permission.AUDIT,
        "verify_audit": Permission.AUDIT,
        "export_audit": Permission.EXPORT,
        "reveal_number": Permission.REVEAL,
        "reveal_caller": Permission.REVEAL,
        "access_keys": Permission.MANAGE,
        "create_access_key": Permission.MANAGE,
        "revoke_access_key": Permission.MANAGE,
        "access_sessions": Permission.MANAGE,
        "revoke_access_session": Permission.MANAGE,
        "revoke_access_sessions_of": Permission.MANAGE,
        "sealed_accounts": Permission.MANAGE,
        "note_renewed_accounts": Permission.MANAGE,
        "notices": Permission.SEE,
        "notice_routes": Permission.SEE,
        "test_notice": Permission.MANAGE,
        "acknowledge_notice": Permission.INCIDENTS,
        "incidents": Permission.SEE,
        "incident": Permission.SEE,
        "add_incident_note": Permission.INCIDENTS,
        "incident_evidence": Permission.SEE,
        "missed_calls": Permission.SEE,
        "set_call_back": Permission.INCIDENTS,
        # pages, and what their forms send
        "page_events": Permission.SEE,
        "page_start": Permission.SEE,
        "page_find": Permission.SEE,
        "page_did": Permission.SEE,
        "page_override_preview": Permission.ORDER,
        "page_override_set": Permission.ORDER,
        "page_override_release": Permission.ORDER,
        "page_override_undo": Permission.ORDER,
        "page_override_approve": Permission.ORDER,
        "page_override_reject": Permission.ORDER,
        "page_failback": Permission.ORDER,
        "page_calls": Permission.SEE,
        "page_people": Permission.SEE,
        "page_person": Permission.SEE,
        "page_person_enter": Permission.PEOPLE,
        "page_plans": Permission.SEE,
        "page_plan": Permission.SEE,
        "page_plan_decide": Permission.PLANS,
        "page_sources": Permission.SEE,
        "page_coverage": Permission.SEE,
        "page_teams": Permission.SEE,
        "page_me": Permission.OWN,
        "page_me_enter": Permission.OWN,
        "page_reveal_number": Permission.REVEAL,
        "page_reveal_caller": Permission.REVEAL,
        "page_incidents": Permission.SEE,
        "page_incident": Permission.SEE,
        "page_incident_note": Permission.INCIDENTS,
        "page_incident_evidence": Permission.SEE,
        "page_missed_calls": Permission.SEE,
        "page_call_back": Permission.INCIDENTS,
        "page_audit": Permission.AUDIT,
        "page_audit_verify": Permission.AUDIT,
        "page_audit_export": Permission.EXPORT,
        "page_notices": Permission.SEE,
        "page_notice_acknowledge": Permission.INCIDENTS,
        "page_notice_test": Permission.MANAGE,
        "page_access": Permission.MANAGE,
        "page_key_create": Permission.MANAGE,
        "page_key_revoke": Permission.MANAGE,
        "page_session_end": Permission.MANAGE,
        "page_sessions_end": Permission.MANAGE,
        "page_accounts_renewed": Permission.MANAGE,
    }
)
"""Operation id -> the permission without which it answers 403. An operation that is not in here answers 403 to all."""

FOR_ALL_WHO_ARE_KNOWN: Final = frozenset({"access_me"})
"""Operations that ask for no permission, but 401 a stranger all the same."""


async def permitted(request: Request) -> None:
    """Dependency of every guarded operation. Raises NotPermitted."""
    operation = str(request.scope["route"].operation_id)
    if operation in FOR_ALL_WHO_ARE_KNOWN:
        return
    needed = OPERATIONS.get(operation)
    asking = caller(request)
    if needed is None or not asking.may(needed):
        words = "no role" if needed is None else f"the permission `{needed}` ({needed.words})"
        raise NotPermitted(
            f"{operation}: {asking.name} lacks {words}.",
            "Ask an admin for a role that has it; the table is in docs/reference/permissions.md.",
        )
