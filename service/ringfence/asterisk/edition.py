"""Which rows the dialplan in Asterisk reads: `asterisk-conf/extensions_ringfence_edition.conf` says so.

Asked before a table is published. A dialplan takes rows that it cannot read for none, and sends every call to the
platform: in an outage that would be every call lost, and the last table would still have carried them.
"""

from __future__ import annotations

from typing import Final

from ringfence.app.ports import AsteriskLoginRefused
from ringfence.asterisk.ami_link import AmiLink

CONTEXT: Final = "ringfence-edition"
ENTRY: Final = "ringfence-route"
"""Each call to us goes through it, in every edition."""
FIRST: Final = "1"
"""What a dialplan reads that is older than this context."""
LOOKED_AHEAD: Final = 3


class DialplanEdition:
    """Implements `app.publisher.RowReader` and `app.dialplan_watch.LoadedDialplan`."""

    def __init__(self, link: AmiLink) -> None:
        self._link = link

    async def why_not(self, schema: str) -> str:
        """Empty also where the AMI user may not ask: a site's own one, that has done without."""
        try:
            return await self._why_not(schema)
        except AsteriskLoginRefused:
            return ""

    async def is_there(self) -> bool | None:
        """None also where the AMI user may not ask, and where func_dialplan.so is not loaded."""
        try:
            said = await self._asked(ENTRY)
        except AsteriskLoginRefused:
            return None
        return {"1": True, "0": False}.get(said)

    async def _why_not(self, schema: str) -> str:
        if await self._has(f"{CONTEXT},reads{schema},1"):
            return ""
        if not await self._has(CONTEXT):
            # Without any dialplan of ours nobody reads the rows, and they may as well lie there.
            return "" if schema == FIRST else _words(FIRST, schema)
        known = [f"{number}" for number in range(1, int(schema) + LOOKED_AHEAD + 1)]
        reads = [one for one in known if await self._has(f"{CONTEXT},reads{one},1")]
        return _words(" and ".join(reads) or "nobody knows what", schema)

    async def _has(self, what: str) -> bool:
        return await self._asked(what) == "1"

    async def _asked(self, what: str) -> str:
        session = self._link.session()
        sent = session.send("Getvar", {"Variable": f"DIALPLAN_EXISTS({what})"})
        await session.answers([sent])
        answer = sent.answer.result()
        message = answer[0] if isinstance(answer, list) else answer
        return "" if message is None else str(message.get("value", ""))


def _words(reads: str, schema: str) -> str:
    return (
        f"the dialplan in Asterisk reads rows of schema {reads}, and this Ringfence writes {schema}; the last table "
        "stands, and words about sites, teams and DIDs wait. Run `ringfence snippets --shipped`, then "
        "`asterisk -rx 'dialplan reload'`"
    )
