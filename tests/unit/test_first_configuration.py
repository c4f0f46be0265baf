"""What `ringfence init` proposes as a comment is a setting once the mark is taken away, and `check-config` knows it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ringfence.config import load
from tests.unit.command_line import run_ringfence
from tests.unit.test_init import ESSENTIAL, config_of, places

PUBLIC = "age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq"


def test_a_trial_and_backups_are_proposed_with_why(tmp_path: Path) -> None:
    run_ringfence("init", *ESSENTIAL, *places(tmp_path))
    config = config_of(tmp_path)
    before, text = load(config), config.read_text()
    assert not before.shadow and not before.backup.recipients
    asked = r"shadow\b|\[backup\]|recipients\b|directory\b"
    taken, count = re.subn(rf"^# (?={asked})", "", text.replace("age1...", PUBLIC), flags=re.MULTILINE)
    assert count == 4
    config.write_text(taken)
    after = load(config)
    assert after.shadow and after.backup.recipients == [PUBLIC]
    assert after.backup.directory == Path("/mnt/backups")
    assert after.model_copy(update={"shadow": False, "backup": before.backup}) == before


def test_check_config_says_that_nothing_is_done_to_calls(tmp_path: Path) -> None:
    run_ringfence("init", *ESSENTIAL, *places(tmp_path))
    config = config_of(tmp_path)
    live = run_ringfence("check-config", "--config", str(config))
    assert live.exit_code == 0 and "shadow" not in live.output
    config.write_text(f"shadow = true\n{config.read_text()}")
    done = run_ringfence("check-config", "--config", str(config))
    assert done.exit_code == 0
    assert "shadow = true: everything is decided and shown, and nothing is done to calls" in done.output
    (note,) = json.loads(run_ringfence("check-config", "--config", str(config), "--json").output)["notes"]
    assert "ringfence shadow report" in note


def test_check_config_says_that_a_secret_is_missing_from_a_sound_configuration(tmp_path: Path) -> None:
    run_ringfence("init", *ESSENTIAL, *places(tmp_path))
    config = config_of(tmp_path)
    (config.parent / "http_token").unlink()
    done = run_ringfence("check-config", "--config", str(config))
    assert (done.exit_code, "http_token: not set" in done.output) == (1, True), done.output
    assert "1 error." in done.output
