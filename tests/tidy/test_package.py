"""What an installation needs beside the modules is told to the build, and CI's script can be run."""

from __future__ import annotations

import os
import tomllib
from importlib import import_module
from typing import Any

from ringfence.config.snippets import SHIPPED, shipped_dir
from tests.tidy.tree import ROOT, SERVICE


def test_the_wheel_holds_the_dialplan() -> None:
    wheel = _pyproject()["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["service/ringfence"]
    assert wheel["force-include"] == {"asterisk-conf": "ringfence/asterisk_conf"}


def test_the_dialplan_is_found_in_the_checkout_too() -> None:
    assert all((shipped_dir() / name).is_file() for name in SHIPPED)


def test_the_migrations_lie_inside_the_package() -> None:
    assert list((SERVICE / "store" / "migrations" / "versions").glob("[0-9]*.py"))


def test_the_program_leads_to_a_function() -> None:
    module, _, function = _pyproject()["project"]["scripts"]["ringfence"].partition(":")
    assert callable(getattr(import_module(module), function))


def test_ci_can_be_run() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
