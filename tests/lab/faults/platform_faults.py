"""What can befall the primary platform, and a carrier's border."""

from __future__ import annotations

from dataclasses import replace

from tests.lab.behaviour import Behaviour
from tests.lab.faults.measuring import Act, Fault, Kind, Load, nothing
from tests.lab.faults.stage import Stage

STATUSES = {
    503: "the platform answers every call with 503, and OPTIONS with 200",
    500: "500 to every call",
    403: "403 to every call, as of a lapsed licence",
    404: "404 to every call, as of a lost user table",
    480: "480 to every call: users are logged out (until the verdict to the site, a private number only after it)",
}
STRIPPED = ("diversion", "history-info", "privacy", "p-*", "x-*", "remote-party-id")


def platform_faults() -> list[Fault]:
    """In the order of the table."""
    return [
        Fault("healthy", "nothing happens", Kind.TRANSPARENT, nothing),
        Fault("platform killed", "its process ends, its port refuses", Kind.SILENT, _kill, verdict_seconds=2),
        Fault("platform port closed", "it runs, its port refuses", Kind.SILENT, _close, verdict_seconds=2),
        Fault("platform frozen", "it is there and says nothing", Kind.SILENT, _freeze, verdict_seconds=3),
        *(Fault(f"platform {status}", what, Kind.REFUSING, _answer(status)) for status, what in STATUSES.items()),
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
