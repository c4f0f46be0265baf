"""The settings of the SCIM service, and the token that opens it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ringfence.app.hr.ports import SourceError
from ringfence.hr.scim import read_token
from tests.integration.scim_site import scim_settings

GOOD = "0123456789abcdef0123456789abcdef"


def token_file(folder: Path, content: str, mode: int = 0o600) -> Path:
    file = folder / "scim_token"
    file.write_text(content)
    file.chmod(mode)
    return file


def test_a_token_is_read_without_its_line_end(tmp_path: Path) -> None:
    assert read_token(scim_settings(token_file=token_file(tmp_path, f"{GOOD}\n"))) == GOOD


@pytest.mark.parametrize("content", [GOOD[1:], f"{GOOD} {GOOD}", f"{GOOD}\u00e9", ""])
def test_a_token_that_is_short_or_no_header_can_carry_is_refused_unquoted(tmp_path: Path, content: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_token(scim_settings(token_file=token_file(tmp_path, content)))
    assert "token_file" in caught.value.message
    assert GOOD[1:] not in str(caught.value)


def test_a_token_that_others_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="mode 0644"):
        read_token(scim_settings(token_file=token_file(tmp_path, GOOD, 0o644)))


@pytest.mark.parametrize(
    "url", ["http://hr.example.org/scim/v2", "https://hr.example.org/scim/v2/", "https://hr.example.org", "hr/scim/v2"]
)
def test_a_public_address_is_one_that_answers_can_tell(url: str) -> None:
    assert scim_settings(public_url="https://hr.example.org/scim/v2").public_url == "https://hr.example.org/scim/v2"
    with pytest.raises(ValueError, match="public_url"):
        scim_settings(public_url=url)


def test_who_is_on_call_is_said_once() -> None:
    with pytest.raises(ValueError, match="leave one of them out"):
        scim_settings(on_call_group="Duty", fields={"on_call": "userType"})


def test_the_library_is_not_loaded_before_somebody_pushes() -> None:
    loaded = "import sys, ringfence.hr.scim; print([name for name in sys.modules if name.startswith('scim2')])"
    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout == "[]\n"
