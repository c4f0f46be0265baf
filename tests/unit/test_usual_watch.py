"""Calls heard one by one: what is counted, what speaks against a platform or a trunk, and when it is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ringfence.app.usual import UsualWatch
from ringfence.domain.calls import AnsweredBy, PlatformAnswered
from ringfence.domain.health import EvidenceKind, TargetId, TargetRole
from ringfence.domain.moment import Moment
from ringfence.domain.usual import Calendar, HourCounts, UsualPolicy, hour_of
from ringfence.domain.verdict import Speaks
from tests.fakes.calls import a_call

PLATFORM = TargetId(TargetRole.PLATFORM, "uc")
TRUNK = TargetId(TargetRole.TRUNK, "carrier")
LONDON = ZoneInfo("Europe/London")
NOON = datetime(2030, 1, 15, 12, tzinfo=LONDON)
USUAL = HourCounts(3600, 100, 100, 95, at_once=1, short=1, alike=1)
Hint = tuple[EvidenceKind, Speaks]


class Heard:
    """Seven weeks of 100 calls an hour, 95 of them answered; then what a test says, a second apart."""

    def __init__(
        self,
        policy: UsualPolicy | None = None,
        calendar: Calendar | None = None,
        weeks: int = 7,
        *,
        enabled: bool = True,
    ) -> None:
        zone = calendar or Calendar(LONDON)
        self.watch = UsualWatch(["uc"], ["carrier"], policy or UsualPolicy(), zone, enabled=enabled)
        self.now = Moment(NOON, 1000.0)
        self.watch.know(
            {
                (target, hour_of(NOON - timedelta(weeks=week)) + beside): USUAL
                for week in range(1, weeks + 1)
                for beside in range(-1, 4)
                for target in (PLATFORM, TRUNK)
            }
        )
        self.watch.link(True)
        self.look()
        self._calls = 0

    def look(self, seconds: float = 0.0) -> None:
        """Every 20 s of that time, and at its end."""
        while seconds > 20:
            self.pass_time(20)
            self.watch.look(self.now)
            seconds -= 20
        self.pass_time(seconds)
        self.watch.look(self.now)

    def pass_time(self, seconds: float) -> None:
        self.now = self.now.plus(seconds)

    def call(
        self,
        *,
        answered: bool = True,
        waited: bool = True,
        lasts: float | None = 0.0,
        did: int | None = None,
        caller: int | str | None = None,
        **more: object,
    ) -> None:
        """`lasts` None: it is still going on; 0: as usual, no two alike."""
        self._calls += 1
        number = self._calls
        lasts = 11 + 7 * number % 19 if lasts == 0 else lasts
        call_id, to = f"node-1.{number}", f"+44113496{number if did is None else did:04}"
        by = caller if isinstance(caller, str) else f"+44163296{number if caller is None else caller:04}"
        if answered:
            self.watch.answered(PlatformAnswered(call_id, "uc", to, by, waited, self.now))
        if lasts is not None:
            self.pass_time(lasts)
            said: dict[str, object] = {
                "call_id": call_id,
                "did": to,
                "caller": by,
                "answered_by": AnsweredBy.PLATFORM if answered else AnsweredBy.NOBODY,
                "result": "answered" if answered else "cancelled",
                "duration_ms": int(1000 * lasts),
                "answered_after_ms": 0 if answered else None,
            }
            self.watch.ended(a_call(**(said | more)), self.now)
        self.look()

    @property
    def against(self) -> list[EvidenceKind]:
        return [hint.kind for hint in self.watch.hints(PLATFORM) if hint.speaks is Speaks.AGAINST]

    def words(self, kind: EvidenceKind, target: TargetId = PLATFORM) -> str:
        return next(hint.words for hint in self.watch.hints(target) if hint.kind is kind)


def test_calls_that_ring_for_ever_and_their_end() -> None:
    heard = Heard()
    for _ in range(20):
        heard.call()
    assert heard.against == []
    assert heard.words(EvidenceKind.ANSWER_RATIO) == ("20 of the last 20 calls were answered; usual at this hour: 95 %")
    missed = 0
    while not heard.against:
        heard.call(answered=False)
        missed += 1
    assert missed <= 20
    for _ in range(16):
        heard.call(answered=False)
    assert heard.against == [EvidenceKind.ENDLESS_RINGING]
    words = heard.words(EvidenceKind.ENDLESS_RINGING)
    assert "rang" in words and "nobody answered; usual at this hour: 95 % are answered" in words
    good = 0
    while heard.against:
        heard.call()
        good += 1
    assert good <= 60, "well again, once the newest are"


@pytest.mark.parametrize(
    ("spoil", "kind", "says"),
    [
        (lambda heard: heard.call(waited=False, lasts=None), EvidenceKind.ANNOUNCING, "answered at once"),
        (lambda heard: heard.call(lasts=12.0), EvidenceKind.ANNOUNCING, "as long as the one before"),
        (lambda heard: heard.call(lasts=2 + 7 * (heard.now.monotonic % 1)), EvidenceKind.SHORT_CALLS, "within 10 s"),
    ],
)
def test_an_announcement_and_dropped_calls(spoil: Callable[[Heard], None], kind: EvidenceKind, says: str) -> None:
    heard = Heard()
    for number in range(14):
        heard.pass_time(0.37)
        spoil(heard)
        assert number > 3 or heard.against == []
    assert kind in heard.against
    assert says in heard.words(kind)


def test_one_telephone_one_caller_or_a_handful_are_no_fault() -> None:
    for one in ({"did": 7}, {"caller": 7}):
        heard = Heard()
        for _ in range(40):
            heard.call(answered=False, **one)  # type: ignore[arg-type]
        assert heard.against == [], one
    heard = Heard()
    for _ in range(5):
        heard.call(answered=False)
    assert heard.against == []
    heard = Heard(UsualPolicy(min_dids=1))
    for _ in range(40):
        heard.call(answered=False, did=7)
    assert heard.against == [EvidenceKind.ENDLESS_RINGING], "a site with one number"


def test_callers_who_withhold_their_number_are_not_one_caller() -> None:
    heard = Heard()
    for _ in range(30):
        heard.call(answered=False, caller="withheld")
    assert heard.against != []


def test_with_two_weeks_of_history_nothing_is_said() -> None:
    heard = Heard(weeks=2)
    for _ in range(40):
        heard.call(answered=False)
    heard.look(3 * 3600)
    assert heard.watch.hints(PLATFORM) == () and heard.watch.hints(TRUNK) == ()


def test_silence_speaks_against_the_platform_and_its_trunk_until_calls_come_as_usual() -> None:
    heard = Heard()
    heard.call()
    heard.look(8 * 60)
    assert heard.watch.view().quiet_trunks == {}
    heard.look(6 * 60)
    assert heard.against == [EvidenceKind.INBOUND_SILENCE]
    words = heard.watch.view().quiet_trunks["carrier"]
    assert words.startswith("no call has come in for 1") and "at least 100 an hour are usual" in words
    assert "day off" in words
    heard.call()
    assert heard.against == [EvidenceKind.INBOUND_SILENCE], "one call is no traffic"
    for _ in range(12):
        heard.call()
    assert heard.against == [] and heard.watch.view().quiet_trunks == {}


def test_refused_calls_are_no_sign_of_life() -> None:
    heard = Heard()
    for _ in range(60):
        heard.call(answered=False, path="refused", scope="")
    assert heard.watch.view().quiet_trunks != {}


def test_what_we_could_not_hear_is_no_silence() -> None:
    heard = Heard()
    heard.look(8 * 60)
    heard.watch.link(False)
    heard.look(3600)
    heard.watch.link(True)
    heard.look(8 * 60)
    assert heard.against == []
    heard.pass_time(3600)  # the process stood still
    heard.look()
    assert heard.against == []


def test_on_a_holiday_nothing_is_said() -> None:
    heard = Heard(calendar=Calendar(LONDON, frozenset({NOON.date()})))
    for _ in range(30):
        heard.call(answered=False)
    heard.look(3600)
    assert heard.watch.hints(PLATFORM) == ()


def test_a_holiday_that_is_entered_ends_a_silence() -> None:
    heard = Heard()
    heard.look(3600)
    assert heard.against == [EvidenceKind.INBOUND_SILENCE]
    off = Calendar(LONDON, frozenset({NOON.date()}))
    heard.watch.keep_calendars({PLATFORM: off, TRUNK: off})
    heard.look()
    assert heard.against == [] and heard.watch.view().quiet_trunks == {}


def test_every_hour_heard_is_counted_once() -> None:
    heard = Heard()
    heard.call()
    heard.call(lasts=4.0)
    heard.call(answered=False)
    heard.call(answered=False, path="divert")
    heard.call(answered=False, path="trial", step=1)
    heard.call(answered=False, path="trial", step=0)
    heard.call(answered=False, did=0, path="transparent")
    heard.look(100)
    taken = heard.watch.take_unstored()
    hour = hour_of(NOON)
    spent = int(heard.now.monotonic - 1000)
    assert taken[TRUNK, hour] == HourCounts(spent, 7)
    assert taken[PLATFORM, hour] == HourCounts(spent, 7, offered=5, answered=2, short=1)
    assert heard.watch.take_unstored() == {}
    heard.watch.give_back(taken, hour)
    heard.look(10)
    assert heard.watch.take_unstored()[TRUNK, hour] == HourCounts(spent + 10, 7)
    heard.watch.give_back(taken, hour + 1)
    assert heard.watch.take_unstored() == {}, "too old to wait any longer"


def test_switched_off_it_counts_and_says_nothing() -> None:
    heard = Heard(enabled=False)
    for _ in range(30):
        heard.call(answered=False)
    heard.look(3600)
    assert heard.watch.hints(PLATFORM) == () and heard.watch.view().unusual == {}
    assert heard.watch.take_unstored()[PLATFORM, hour_of(NOON)].calls == 30


def test_others_calls_are_nobodys() -> None:
    heard = Heard()
    heard.watch.answered(PlatformAnswered("1", "gone", "+441134960001", "", True, heard.now))
    heard.watch.ended(a_call(scope="gone", trunk="gone", did="100"), heard.now)
    assert heard.watch.take_unstored() == {}
    assert heard.watch.hints(TargetId(TargetRole.CONTROL, "uc")) == ()
    assert heard.watch.view().weeks == 7
