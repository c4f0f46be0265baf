"""What the doctor says of backups."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ringfence.backup.files import name_of
from ringfence.cli.doctor.backup_checks import backup
from ringfence.cli.doctor.finding import State
from ringfence.cli.doctor.ground import Ground
from ringfence.config.reading import parse
from tests.fakes.smallest import smallest_in

RECIPIENT = "age1v2f6aafd9uqs0qjmq8vakk22ganpqspc9pg2wq4ufhn0s72evcvst7jfpk"


def ground_of(directory: Path, more: str) -> Ground:
    text = smallest_in(directory / "state", last=more)
    return Ground(directory / "ringfence.toml", settings_read=parse(tomllib.loads(text)))


@pytest.mark.parametrize(
    ("hours", "state", "words"),
    [(None, State.WARN, "There is no backup"), (1, State.OK, "1 backups"), (80, State.FAIL, "80 hours old")],
)
async def test_the_newest_backup_and_its_age(tmp_path: Path, hours: int | None, state: State, words: str) -> None:
    place = tmp_path / "backups"
    place.mkdir()
    if hours is not None:
        (place / name_of("ringfence", datetime.now(UTC) - timedelta(hours=hours))).touch()
    ground = ground_of(tmp_path, f'[backup]\nrecipients = ["{RECIPIENT}"]\ndirectory = "{place}"\n')
    (finding,) = await backup(ground)
    assert (finding.state, words in finding.words) == (state, True), finding


async def test_backups_on_the_same_disk_are_pointed_out(tmp_path: Path) -> None:
    (tmp_path / "state" / "backups").mkdir(parents=True)
    (finding,) = await backup(ground_of(tmp_path, f'[backup]\nrecipients = ["{RECIPIENT}"]\n'))
    assert (finding.state, "the disk whose loss" in finding.words) == (State.WARN, True)


async def test_without_recipients_nothing_is_backed_up(tmp_path: Path) -> None:
    (finding,) = await backup(ground_of(tmp_path, ""))
    assert (finding.state, "new-key" in finding.fix) == (State.WARN, True)
