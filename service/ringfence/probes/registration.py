"""Asks a platform's registrar whether it still lets an account in: what the platform's own telephones need it for.

A REGISTER without a contact: the registrar checks the password and reads the account's bindings, and none is made, so
that nothing has to be taken away again and no call can ever come to us (RFC 3261 section 10.2.3).
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ringfence.domain.health import EvidenceKind, TargetId
from ringfence.probes.secret_file import SecretUnusable, secret_line
from ringfence.probes.sip_digest import best_of, credentials
from ringfence.probes.sip_message import BRANCH_COOKIE, SipAnswer, SipRequest
from ringfence.probes.sip_transport import Line, Lines, NoAnswer, Peer

_UNAUTHORISED: Final = frozenset({401, 407})


@dataclass(frozen=True, slots=True)
class RegistrationConfig:
    """`user`: the test account. `domain`: its part behind the @, empty: the peer's host."""

    target: TargetId
    peer: Peer
    user: str
    password_file: Path
    domain: str = ""


class RegistrationProbe:
    """The port `Probe`. An account that is refused tells nothing of the platform: the password may be ours to mend."""

    kind = EvidenceKind.REGISTRATION

    def __init__(self, config: RegistrationConfig) -> None:
        self.target = config.target
        self._config = config
        self._lines = Lines(config.peer)

    async def probe(self, timeout_seconds: float) -> tuple[bool | None, str]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            password = secret_line(self._config.password_file)
        except SecretUnusable as error:
            return None, str(error)
        try:
            async with self._lines.open(timeout_seconds) as (line, question):
                answer = await self._register(line, question(), password)
        except NoAnswer as error:
            return error.passed, error.words
        if 200 <= answer.status < 300:
            return True, f"the registrar lets the account in, in {(loop.time() - began) * 1000:.0f} ms"
        if answer.status >= 500 or answer.status == 408:
            return False, f"the registrar answers {answer.status}"
        return None, f"the registrar refuses the account ({answer.status}): are user and password right?"

    async def _register(self, line: Line, blank: SipRequest, password: str) -> SipAnswer:
        """Raises NoAnswer."""
        config = self._config
        asked = replace(blank, method="REGISTER", from_user=config.user, host=config.domain or blank.host)
        answer = await line.ask(asked)
        challenge = best_of(answer.challenges) if answer.status in _UNAUTHORISED else None
        if challenge is None:
            return answer
        if not line.proven:
            # Whoever that is could try passwords against it for as long as they like.
            raise NoAnswer(None, "it asks for the password, and its certificate does not verify: it was not told")
        header = "Authorization" if answer.status == 401 else "Proxy-Authorization"
        proof = credentials(challenge, config.user, password, asked.method, asked.uri, secrets.token_hex(8))
        branch = f"{BRANCH_COOKIE}{secrets.token_hex(8)}"
        return await line.ask(replace(asked, cseq=2, branch=branch, extra=(f"{header}: {proof}",)))
