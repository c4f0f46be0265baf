"""The faults' report: what counts as moved since the run before, and which rows a few words choose."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.lab.faults import compared
from tests.lab.faults.registry import chosen, groups, names
from tests.lab.faults.result import Bound, Row, all_of, guarded
from tests.lab.waiting import LabError

BEFORE = {"frozen": {"lost": 0.0, "verdict": 1000.0, "failed": 9.0}}


def frozen(lost: float, verdict: float | None, failed: float = 9) -> Row:
    bounds = (Bound("lost", lost, 0), Bound("verdict", verdict, 2000, "ms"), Bound("failed", failed, 10))
    return Row("frozen", "it says nothing", bounds)


@pytest.mark.parametrize(("lost", "verdict", "failed"), [(0, 1000, 9), (0, 1240, 9), (0, 810, 10)])
def test_a_machines_unrest_is_no_move(lost: float, verdict: float, failed: float) -> None:
    assert compared.moved(frozen(lost, verdict, failed), BEFORE) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (frozen(1, 1000), ["worse: lost 1 (was 0)"]),
        (frozen(0, 1500), ["worse: verdict 1500 (was 1000) ms"]),
        (frozen(0, 500), ["better: verdict 500 (was 1000) ms"]),
        (frozen(0, None), ["worse: verdict nothing (was 1000) ms"]),
        (frozen(0, 1000, 4), ["better: failed 4 (was 9)"]),
    ],
)
def test_what_is_more_than_unrest_is_told(row: Row, said: list[str]) -> None:
    assert [str(move) for move in compared.moved(row, BEFORE)] == said
    assert said[0] in compared.section([row], BEFORE)


def test_the_figures_of_a_run_are_those_before_the_next(tmp_path: Path) -> None:
    place = tmp_path / "faults.json"
    assert compared.read(place) == {}
    compared.write(place, [frozen(0, 1000)], {"gone": {"lost": 1.0}, "skipped": {"lost": 0.0}}, ["frozen", "skipped"])
    assert compared.read(place) == {**BEFORE, "skipped": {"lost": 0.0}}


def test_rows_are_chosen_by_name_by_what_they_begin_with_and_by_kind() -> None:
    assert chosen([], []) == names()
    assert chosen(["platform 503"], []) == ["platform 503"]
    assert set(chosen(["platform 50"], [])) == {f"platform {status}" for status in (500, 501, 502, 503, 504)}
    assert set(chosen(["healthy"], ["network"])) == {"healthy", *groups()["network"]}
    assert set(names()) == {name for rows in groups().values() for name in rows}
    with pytest.raises(KeyError):
        chosen(["no such row"], [])


async def test_what_breaks_in_one_row_or_stage_does_not_take_the_others_along() -> None:
    async def row(name: str, error: Exception | None = None) -> Row:
        if error is not None:
            raise error
        return Row(name, "", ())

    async def rows() -> AsyncIterator[Row]:
        yield await guarded("well", row("well"))
        yield await guarded("broken", row("broken", TimeoutError("no button\nmore")))
        raise LabError("Asterisk does not come\nits log")

    found = [row async for row in all_of(["well", "broken", "next"], rows())]
    assert [(row.name, row.what, row.ok) for row in found] == [
        ("well", "", True),
        ("broken", "TimeoutError: no button more", False),
        ("next", "Asterisk does not come its log", False),
    ]


async def test_a_stage_that_does_not_come_down_is_seen() -> None:
    async def rows() -> AsyncIterator[Row]:
        yield Row("well", "", ())
        raise LabError("it would not end")

    with pytest.raises(LabError, match="would not end"):
        [row async for row in all_of(["well"], rows())]
