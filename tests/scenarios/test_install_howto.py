"""The how-to, followed to the letter on a fresh machine: into service, a call rerouted in an outage, and out again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import howto_blocks
from tests.lab.booted_root import why_not_bootable
from tests.lab.deb import ensure_deb
from tests.lab.install_run import MOST_STEPS, PAGE, PARTS
from tests.lab.provision import ensure_root
from tests.lab.sites.running import Kind

SECONDS = 120
BUILD_SECONDS = 300


def test_the_page_has_at_most_five_steps_and_a_part_for_each_kind_of_site() -> None:
    page = howto_blocks.read(PAGE)
    assert 1 <= page.step_count <= MOST_STEPS
    parts = {block.part for block in page.blocks if block.is_step and block.part}
    assert parts == set(PARTS.values())
    assert page.out_again()


@pytest.fixture(scope="module")
def package() -> Path:
    """Of today's sources: built once, and not within the walk."""
    return ensure_deb(ensure_root())


@pytest.mark.skipif(why_not_bootable() is not None, reason=str(why_not_bootable()))
@pytest.mark.timeout(SECONDS + BUILD_SECONDS)
@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("kind", Kind)
def test_its_code_blocks_bring_a_fresh_machine_into_service_and_out_again(kind: Kind) -> None:
    command = [sys.executable, "-m", "tests.lab.install_run", kind]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "left behind: nothing" in done.stdout
