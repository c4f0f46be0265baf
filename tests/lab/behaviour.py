"""How a far end answers: the values that travel from a test to the far end's own process."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum

from tests.lab.forwarding import Forward


class Manner(Enum):
    """What becomes of an INVITE."""

    ANSWER = "answer"
    """100, then ringing, then 200."""
    REFUSE = "refuse"
    """100, then the given status."""
    TRYING_ONLY = "trying-only"
    RING_FOR_EVER = "ring-for-ever"
    SILENT = "silent"
    """Not even 100, while OPTIONS is still answered."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Everything a far end can be told, for all numbers or for one."""

    manner: Manner = Manner.ANSWER
    status: int = 200
    """Of a refusal."""
    ring_status: int = 180
    ring_delay_ms: int = 50
    answer_delay_ms: int = 100
    """After the first ringing."""
    hang_up_after_ms: int | None = None
    """After the answer; nothing means the caller's side ends the call."""
    press: str = ""
    """Keys pressed after the answer, one after the other."""
    press_after_ms: int = 200
    talks: bool = False
    """Sends audio from the answer to the end. With no key to press: somebody's voicemail."""
    forward: Forward | None = None
    """Where the call goes on to instead of ringing, or after it."""
    response_headers: tuple[tuple[str, str], ...] = ()
    """Added to ringing and final responses, to tempt Asterisk into passing them on."""
    takes_from: tuple[str, ...] = ()
    """Where given: a call whose From has another user part is refused with `status`, as by a carrier that lets only
    these identities through."""
    unseen_headers: tuple[str, ...] = ()
    """Taken out of what arrives before anything looks at it, as a carrier's border would; in small letters."""
    options_status: int = 200
    options_loss_share: float = 0.0
    options_loss_seed: int = 0
    options_delay_ms: int = 0
    sick_share: float = 0.0
    """Of calls, in turn, and of OPTIONS: what meets a node of this far end that is sick."""
    sick_status: int = 0
    """What a sick node refuses calls with, its OPTIONS being answered; 0: it says nothing to either."""
    register_status: int = 200
    """What a REGISTER is answered with."""

    def to_json(self) -> dict[str, object]:
        return {**asdict(self), "manner": self.manner.value}

    @classmethod
    def from_json(cls, fields: dict[str, object]) -> Behaviour:
        known = dict(fields)
        headers = known.pop("response_headers", [])
        unseen = known.pop("unseen_headers", [])
        takes = known.pop("takes_from", [])
        assert isinstance(headers, list) and isinstance(unseen, list) and isinstance(takes, list)
        return cls(
            forward=Forward.from_json(known.pop("forward", None)),
            manner=Manner(known.pop("manner")),
            response_headers=tuple((str(name), str(value)) for name, value in headers),
            takes_from=tuple(str(user) for user in takes),
            unseen_headers=tuple(str(name) for name in unseen),
            **known,  # type: ignore[arg-type]
        )
