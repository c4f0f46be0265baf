"""A run as JSON, and back: its page can be written anew without running it again."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from tests.lab.soak.hours import Hour, Trouble
from tests.lab.soak.judge import Growth
from tests.lab.soak.run import HourResult, Results
from tests.lab.soak.sample import Sample
from tests.lab.tally import Tally


def to_json(results: Results, found: list[Growth]) -> str:
    """Everything that was measured, with what was judged of it for programs that read it."""
    plain = asdict(results)
    plain["growth"] = [
        {
            "measure": growth.measure.name,
            "kind": growth.measure.kind.value,
            "unit": growth.measure.unit,
            "early": growth.early,
            "late": growth.late,
            "percent": round(growth.percent, 2),
            "per_hour": round(growth.per_hour, 3),
            "bounds": [{**asdict(bound), "ok": bound.ok} for bound in growth.bounds],
        }
        for growth in found
    ]
    return json.dumps(plain, indent=2, default=str) + "\n"


def from_json(text: str) -> Results:
    """What `to_json` wrote; what was judged is judged again. Raises ValueError, KeyError and TypeError for anything
    else."""
    plain: dict[str, Any] = json.loads(text)
    del plain["growth"]
    done = [_hour(one) for one in plain.pop("done")]
    samples = [Sample(**one) for one in plain.pop("samples")]
    return Results(**{**plain, "at": datetime.fromisoformat(plain["at"])}, done=done, samples=samples)


def _hour(plain: dict[str, Any]) -> HourResult:
    hour = Hour(**{**plain["hour"], "trouble": Trouble(plain["hour"]["trouble"])})
    return HourResult(**{**plain, "hour": hour, "tally": Tally(**plain["tally"]), "faults": tuple(plain["faults"])})
