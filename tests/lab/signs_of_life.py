"""What a far end answers besides calls, OPTIONS and REGISTER, and which of its nodes a request meets."""

from __future__ import annotations

import zlib
from dataclasses import replace
from random import Random

from tests.lab.behaviour import Behaviour, Manner
from tests.lab.sip import SipMessage, respond

REGISTERED_SECONDS = 5
"""So short that who is forgotten asks again soon."""


def answer_options(request: SipMessage, behaviour: Behaviour, random: Random) -> bytes:
    """Nothing where it is lost, or the node that it meets is dead."""
    if random.random() < behaviour.options_loss_share:
        return b""
    if _meets_sick_node(request, behaviour) and behaviour.sick_status == 0:
        return b""
    return respond(request, behaviour.options_status, to_tag="lab")


def answer_register(request: SipMessage, behaviour: Behaviour) -> bytes:
    accepted = behaviour.register_status == 200
    contacts = [("Contact", f"{value};expires={REGISTERED_SECONDS}") for value in request.all("contact")]
    return respond(request, behaviour.register_status, to_tag="lab", headers=contacts if accepted else [])


class Nodes:
    """Which node behind one address a new call meets: the sick ones get their share in turn, as of a load balancer."""

    def __init__(self) -> None:
        self._calls = 0

    def behaviour(self, invited: Behaviour) -> Behaviour:
        before, self._calls = self._calls, self._calls + 1
        if int(self._calls * invited.sick_share) == int(before * invited.sick_share):
            return invited
        manner = Manner.REFUSE if invited.sick_status else Manner.SILENT
        return replace(invited, manner=manner, status=invited.sick_status, ring_delay_ms=0)


def _meets_sick_node(request: SipMessage, behaviour: Behaviour) -> bool:
    """By Call-ID, so that what is sent again meets the same node."""
    return zlib.crc32(request.call_id.encode()) % 1000 < behaviour.sick_share * 1000
