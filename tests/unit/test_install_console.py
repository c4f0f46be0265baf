"""Asterisk's console, where it puts us off."""

from __future__ import annotations

from pathlib import Path

from ringfence.cli.install.console import Console

BUSY = """#!/bin/sh
if [ -e {seen} ]; then echo "Module 'res_pjsip.so' reloaded successfully."; exit; fi
touch {seen}
echo "A module reload request is already in progress; please be patient"
"""


def test_a_reload_that_another_one_keeps_from_happening_is_asked_for_again(tmp_path: Path) -> None:
    program = tmp_path / "asterisk"
    program.write_text(BUSY.format(seen=tmp_path / "seen"))
    program.chmod(0o755)
    assert "successfully" in (Console((str(program),)).ask("module reload res_pjsip.so") or "")
    assert Console().ask("module reload res_pjsip.so") is None
