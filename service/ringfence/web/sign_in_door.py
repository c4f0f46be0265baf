"""What signing in needs: the desk that begins sessions, the providers, and who is tied to which browser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ringfence.app.access.desk import AccessDesk
from ringfence.app.access.leavers import LeftAmong, none_left
from ringfence.app.ports import Clock
from ringfence.web.oidc.binding import Binding
from ringfence.web.oidc.provider import Provider
from ringfence.web.rates import Rates

# A whole office comes from one address, twice for each person.
BURST: Final = 120
PER_SECOND: Final = 4.0


def nobody(key: str) -> None:
    """Without a directory nobody is known."""


@dataclass(frozen=True, slots=True, init=False)
class SignInDoor:
    """One for a daemon. `person_of`: the key under which the directory knows whom a provider names so, None where it
    knows nobody. `left` tells who has left. `rates`: how often one address may have a provider asked."""

    desk: AccessDesk
    clock: Clock
    providers: tuple[Provider, ...]
    person_of: Callable[[str], str | None]
    left: LeftAmong
    binding: Binding
    rates: Rates

    def __init__(
        self,
        desk: AccessDesk,
        clock: Clock,
        providers: Sequence[Provider] = (),
        person_of: Callable[[str], str | None] = nobody,
        left: LeftAmong = none_left,
    ) -> None:
        object.__setattr__(self, "desk", desk)
        object.__setattr__(self, "clock", clock)
        object.__setattr__(self, "providers", tuple(providers))
        object.__setattr__(self, "person_of", person_of)
        object.__setattr__(self, "left", left)
        object.__setattr__(self, "binding", Binding())
        object.__setattr__(self, "rates", Rates(PER_SECOND, BURST, lambda: clock.now().monotonic))

    def provider(self, name: str) -> Provider | None:
        return next((provider for provider in self.providers if provider.settings.name == name), None)
