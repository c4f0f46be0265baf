"""A site whose dialplan keeps its own Dial to the platform and asks Ringfence around it, as
docs/howto/keep-your-own-dial.md has it."""

from __future__ import annotations

from collections.abc import Mapping

from tests.scenarios.site_files import NO_PROGRESS_SECONDS, PLATFORM_RING_SECONDS

OWN = (("X-Lab-Trunk", "own"),)
DECIDE = "Gosub(ringfence-decide,s,1(${EXTEN},carrier))"
ASK = "Gosub(ringfence-ask,s,1(${EXTEN},carrier))"

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
exten => _[!-~]!,1,@ASK@
 same => n,Set(LAB_ANSWER=${GOSUB_RETVAL})
 same => n,Set(DB(lab/heard/${FILTER(0-9,${RF_DID})})=${RF_ANSWER}.)
 same => n,GotoIf($["${LAB_ANSWER}" = "plan"]?plan)
 same => n,Dial(PJSIP/@ENDPOINT@/sip:${FILTER(0-9+,${EXTEN})}@${RF_P_uc_HOSTPORT},@RING@^@NO_PROGRESS@,iI)
 same => n,Gosub(ringfence-outcome,s,1)
 same => n,Set(LAB_OUTCOME=${GOSUB_RETVAL})
 same => n,GotoIf($["${LAB_OUTCOME}" = "plan"]?plan)
 same => n,@TELL@
 same => n,Hangup(${RF_CAUSE})
 same => n(plan),@TELL@
 same => n,Goto(ringfence-full,s,1)
exten => h,1,Hangup()
"""

_TOLD = {
    "did": "URIENCODE(${RF_DID})",
    "raw": "URIENCODE(${EXTEN})",
    "answer": "LAB_ANSWER",
    "outcome": "LAB_OUTCOME",
    "decision": "RF_DECISION",
    "reason": "RF_REASON",
    "result": "RF_RESULT",
}


def own_dialplan(
    ask: str = DECIDE,
    endpoint: str = "uc",
    ring_seconds: float = PLATFORM_RING_SECONDS,
    no_progress_seconds: float = NO_PROGRESS_SECONDS,
) -> Mapping[str, str]:
    """Files of Asterisk's configuration, for `open_site`. `ask`: the line that asks; `endpoint`: the platform's. What
    the daemon said stands in AstDB at `lab/heard/<digits of the DID>`, with a full stop behind."""
    fields = ",".join(f"{name}: ${{{value}}}" for name, value in _TOLD.items())
    filled = {
        "@ASK@": ask,
        "@ENDPOINT@": endpoint,
        "@RING@": str(ring_seconds),
        "@NO_PROGRESS@": str(no_progress_seconds),
        "@TELL@": f"UserEvent(LabOwn,{fields})",
    }
    extensions = _EXTENSIONS
    for mark, text in filled.items():
        extensions = extensions.replace(mark, text)
    return {"own_pjsip.conf": _PJSIP, "own_extensions.conf": extensions}
