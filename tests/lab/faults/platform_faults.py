"""What can befall the primary platform, and a carrier's border; `sick_platform` has the ways that are neither dead nor
well."""

from __future__ import annotations

from dataclasses import replace

from tests.lab.behaviour import Behaviour
from tests.lab.faults.measuring import Act, Fault, Kind, Load, Measured, nothing
from tests.lab.faults.result import Bound
from tests.lab.faults.stage import Stage
from tests.lab.faults.told import moves
from tests.lab.records import ReceivedCall

STATUSES = {
    503: "the platform answers every call with 503, and OPTIONS with 200",
    500: "500 to every call",
    403: "403 to every call, as of a lapsed licence",
    404: "404 to every call, as of a lost user table",
    480: "480 to every call: users are logged out (until the verdict to the site, a private number only after it)",
    501: "501 to every call, as of a border that lost its way of handling calls",
    502: "502 to every call, as of a gateway whose far side talks nonsense",
    504: "504 to every call, as of a gateway whose far side is silent",
    401: "401 to every call: our credentials are asked for, and it knew us before",
    407: "407 to every call, as of a proxy that asks for credentials",
    408: "408 to every call, as of a proxy that finds nobody behind it",
    410: "410 to every call: all users are gone",
    484: "484 to every call, as of a number plan that was changed",
    488: "488 to every call, as of a codec taken away",
    604: "604 to every call: its users exist nowhere any more",
    302: "302 to every call, to an address of its own choice, which is never followed",
}
QUICK = Load(per_second=30.0, before_seconds=2.5)
PERSONS = {486: "busy", 600: "busy everywhere", 603: "declined"}
STRIPPED = ("diversion", "history-info", "privacy", "p-*", "x-*", "remote-party-id")


def platform_faults() -> list[Fault]:
    """In the order of the table."""
    return [
        Fault("healthy", "nothing happens", Kind.TRANSPARENT, nothing),
        Fault("platform killed", "its process ends, its port refuses", Kind.SILENT, _kill, verdict_seconds=2),
        Fault("platform port closed", "it runs, its port refuses", Kind.SILENT, _close, verdict_seconds=2),
        Fault("platform frozen", "it is there and says nothing", Kind.SILENT, _freeze, verdict_seconds=3),
        *(Fault(f"platform {status}", what, Kind.REFUSING, _answer(status)) for status, what in STATUSES.items()),
        *(_persons_doing(status, word) for status, word in PERSONS.items()),
        Fault(
            "platform 100 only",
            "100 Trying to every call and nothing more; no call fails before no_progress",
            Kind.SILENT,
            lambda stage: stage.lab.platform.trying_only(),
            load=Load(count=300),
        ),
        Fault(
            "carrier strips headers",
            "the platform is killed, the carrier's border drops Diversion and every private header on both sides",
            Kind.SILENT,
            _kill,
            prepare=_strip,
            verdict_seconds=2,
        ),
        *(_slow(seconds) for seconds in (1, 3, 6)),
        Fault(
            "20 % of OPTIONS lost",
            "the platform is healthy and a fifth of its OPTIONS is never answered",
            Kind.TRANSPARENT,
            lambda stage: stage.lab.platform.lose_options(0.2),
            load=Load(count=1000, per_second=40, hold_seconds=0.2),
        ),
    ]


async def _kill(stage: Stage) -> None:
    await stage.lab.platform.kill()


async def _close(stage: Stage) -> None:
    await stage.lab.platform.close_port()


async def _freeze(stage: Stage) -> None:
    await stage.lab.platform.freeze()


def _answer(status: int) -> Act:
    return lambda stage: stage.lab.platform.answer(status)


def _refusing(status: int, what: str) -> Fault:
    return Fault(f"platform {status}", what, Kind.REFUSING, _answer(status))


def _persons_doing(status: int, word: str) -> Fault:
    """Everybody at once, which no outage is: nothing moves, and nobody's mobile rings."""

    def judge(stage: Stage, measured: Measured) -> list[Bound]:
        elsewhere = [leg for leg in _outside(stage) if leg.at >= measured.injected_at]
        told = [a.offered.final_status for a in measured.accounts if a.offered.final_status != 200]
        return [
            Bound("moves", moves(stage, measured), 0),
            Bound("rung elsewhere", len(elsewhere), 0),
            Bound("told anything else", sum(seen not in PERSONS for seen in told), 0),
        ]

    what = f"{status} to every call: {word}, a person's doing and no outage; passed back"
    return Fault(f"platform {status}", what, Kind.TRANSPARENT, _answer(status), load=QUICK, judge=judge)


def _outside(stage: Stage) -> list[ReceivedCall]:
    return [*stage.lab.mobile_network.calls(), *stage.lab.other_mobile_network.calls()]


async def _strip(stage: Stage) -> None:
    for network in (stage.lab.platform, stage.lab.mobile_network, stage.lab.other_mobile_network):
        await network.behave(replace(Behaviour(), unseen_headers=STRIPPED))


def _slow(seconds: int) -> Fault:
    return Fault(
        f"rings after {seconds} s",
        f"the platform is healthy and takes {seconds} s to ring",
        Kind.TRANSPARENT,
        lambda stage: stage.lab.platform.slow_ring(seconds),
        adds_delay=True,
    )
