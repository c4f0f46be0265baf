"""A site whose dialplan keeps its own Dial to the platform and asks Ringfence around it, as
docs/howto/keep-your-own-dial.md has it."""

from __future__ import annotations

from collections.abc import Mapping

from tests.scenarios.site_files import NO_PROGRESS_SECONDS, PLATFORM_RING_SECONDS

OWN = (("X-Lab-Trunk", "own"),)

_PJSIP = """\
[own]
type=endpoint
context=own-in
disallow=all
allow=alaw,ulaw
direct_media=no
[own_identify]
type=identify
endpoint=own
match_header=X-Lab-Trunk: own
"""

_EXTENSIONS = """\
[own-in]
exten => _[!-~]!,1,{ask}
 same => n,Set(LAB_ANSWER=${{GOSUB_RETVAL}})
 same => n,GotoIf($["${{GOSUB_RETVAL}}" = "plan"]?plan)
 same => n,Dial(PJSIP/uc/sip:${{FILTER(0-9+,${{EXTEN}})}}@${{RF_P_uc_HOSTPORT}},{ring}^{no_progress},{options})
 same => n,Gosub(ringfence-outcome,s,1)
 same => n,Set(LAB_OUTCOME=${{GOSUB_RETVAL}})
 same => n,GotoIf($["${{GOSUB_RETVAL}}" = "plan"]?plan)
 same => n,UserEvent(LabOwn,did: ${{URIENCODE(${{RF_DID}})}},raw: ${{URIENCODE(${{EXTEN}})}},answer: ${{LAB_ANSWER}},outcome: ${{LAB_OUTCOME}},decision: ${{RF_DECISION}},reason: ${{RF_REASON}},result: ${{RF_RESULT}})
 same => n,Hangup(${{RF_CAUSE}})
 same => n(plan),UserEvent(LabOwn,did: ${{URIENCODE(${{RF_DID}})}},raw: ${{URIENCODE(${{EXTEN}})}},answer: ${{LAB_ANSWER}},outcome: ${{LAB_OUTCOME}},decision: ${{RF_DECISION}},reason: ${{RF_REASON}},result: ${{RF_RESULT}})
 same => n,Goto(ringfence-full,s,1)
exten => h,1,Hangup()
"""
DECIDE = "Gosub(ringfence-decide,s,1(${EXTEN},carrier))"


def own_dialplan(ask: str = DECIDE, options: str = "iI") -> Mapping[str, str]:
    """Files of Asterisk's configuration, for `open_site`. `ask`: the line that asks."""
    extensions = _EXTENSIONS.format(
        ask=ask, ring=PLATFORM_RING_SECONDS, no_progress=NO_PROGRESS_SECONDS, options=options
    )
    return {"own_pjsip.conf": _PJSIP, "own_extensions.conf": extensions}
