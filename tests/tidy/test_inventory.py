"""Every door, program, file and secret of the code stands on the page, and the page has none that is gone."""

from __future__ import annotations

from tests.tidy import render_inventory
from tests.tidy.openings import CONNECTS, LISTENS, MAKES, STARTS, openings
from tests.tidy.tree import text_of


def test_nothing_opens_something_that_nobody_has_written_about() -> None:
    assert render_inventory.unlisted() == [], "say in tests/tidy/inventory.py what it is for"


def test_the_page_is_what_the_code_has() -> None:
    assert text_of(render_inventory.PAGE) == render_inventory.page(), "run `python -m tests.tidy.render_inventory`"


def test_the_scan_sees_what_is_known_to_be_there() -> None:
    found = openings()
    assert {"web.server", "asterisk.fastagi"} <= set(found[LISTENS])
    assert {"asterisk.ami", "hr.ldap_link", "channels.email"} <= set(found[CONNECTS])
    assert {"voice.espeak", "cli.install.console"} <= set(found[STARTS])
    assert {"store.spool", "cli.new_files"} <= set(found[MAKES])
    assert "/metrics" in render_inventory.open_paths() and "/v1/status" not in render_inventory.open_paths()
    assert any(field.endswith("password_file") for field in render_inventory.secret_fields())


def test_no_program_is_started_by_a_shell() -> None:
    calls = [call for module in openings()[STARTS].values() for call in module]
    assert [call for call in calls if "shell" in call or "os.system" in call] == []
