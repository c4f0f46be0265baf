"""What the carrier's calls say about ourselves: whoever is called is not cut off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ringfence.domain.moment import Moment


@dataclass(frozen=True, slots=True)
class CarrierCalls:
    """Inbound calls without a gap of more than `GAP_SECONDS`: somebody outside reaches us. `at`: when they came in, the
    first and the latest among them; of those between, one in `STEP_SECONDS`, and no more than `MOST`."""

    at: tuple[Moment, ...]

    GAP_SECONDS: ClassVar[float] = 10.0
    STEP_SECONDS: ClassVar[float] = 0.25
    MOST: ClassVar[int] = 64
    STEADY_SECONDS: ClassVar[float] = 2.0

    def another(self, at: Moment) -> CarrierCalls:
        """The run of calls after one more."""
        if at.since(self.at[-1]) > self.GAP_SECONDS:
            return CarrierCalls((at,))
        close = len(self.at) > 1 and at.since(self.at[-2]) < self.STEP_SECONDS
        return CarrierCalls((*(self.at[:-1] if close else self.at), at)[-self.MOST :])

    def since(self, silence: Moment) -> tuple[Moment, Moment] | None:
        """The first and the latest of those that speak about a silence; None where none came in since it began. Calls
        from before it say something only where no gap between has room for our own cable to go and come back."""
        after = [at for at in self.at if at.monotonic > silence.monotonic]
        if not after:
            return None
        before = self.at[: len(self.at) - len(after)]
        steady = before and after[0].since(before[-1]) <= self.STEADY_SECONDS
        return (before[0] if steady else after[0]), after[-1]
