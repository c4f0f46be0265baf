"""What becomes of a source that fails, is refused, or says what cannot be read."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from ringfence.app.hr.ports import FeedRefused, SourceUnavailable
from ringfence.domain.hr.record import RowProblem
from tests.fakes.roster_site import PAYROLL, RosterSite, post, whole


async def test_a_feed_that_cannot_be_trusted_changes_nothing() -> None:
    async with RosterSite().running() as site:
        await site.load_first(2)
        commits = site.store.commits
        with pytest.raises(FeedRefused):
            await site.desk.hear(whole())
        assert site.store.commits == commits


async def test_a_run_says_where_its_first_unreadable_row_is() -> None:
    async with RosterSite().running() as site:
        await site.load_first(40)
        problems = (RowProblem("line 7", "mobile", "is no number", "7"), RowProblem("line 9", "key", "is empty"))
        run = await site.hear(replace(whole(*map(post, range(40))), rejected=problems, rows=42))
        assert (run.rejected, run.detail) == (2, "line 7: mobile is no number (and 1 more)")


async def test_a_source_that_fails_is_told_once_and_its_age_grows(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with RosterSite().running() as site:
        await site.load_first(2)
        for _ in range(3):
            await site.desk.failed(PAYROLL, SourceUnavailable("The folder is gone."))
        assert len(await site.desk.runs(10)) == 2
        site.clock.step_wall(timedelta(hours=27).total_seconds())
        await site.later(seconds=61)
        payroll, accounts = site.desk.sources()
        assert (payroll.late, payroll.fault, round(payroll.age_seconds or 0)) == (
            True,
            "The folder is gone.",
            27 * 3600 + 61,
        )
        assert (accounts.late, accounts.age_seconds) == (True, None)
        await site.hear(whole(*map(post, range(2))))
        await site.later(minutes=2)
        told = [(r.message, r.__dict__.get("source")) for r in caplog.records if "hr source" in r.message]
        assert sorted(line for line in told if line[1] == PAYROLL) == [
            ("hr source cannot be read", PAYROLL),
            ("hr source is in time again", PAYROLL),
            ("hr source is late", PAYROLL),
            ("hr source is read again", PAYROLL),
        ]
        assert site.desk.sources()[0].fault == ""


async def test_a_refused_feed_stays_the_last_word_until_a_better_one_comes() -> None:
    async with RosterSite().running() as site:
        await site.load_first(2)
        await site.desk.failed(PAYROLL, SourceUnavailable("The folder is gone."))
        site.desk.nothing_new(PAYROLL, good=False)
        assert site.desk.sources()[0].fault == ""
        await site.desk.failed(PAYROLL, FeedRefused("The file is empty."))
        site.desk.nothing_new(PAYROLL, good=False)
        assert site.desk.sources()[0].fault == "The file is empty."
        await site.hear(whole(*map(post, range(2))))
        assert site.desk.sources()[0].fault == ""
