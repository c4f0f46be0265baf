"""The examples of the how-to pages are settings that work."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import UTC, datetime
from typing import Any

from ringfence.hr.json_paths import texts_at
from ringfence.hr.ldap import LdapSettings, LdapSource
from ringfence.hr.rest_api import RestSettings, RestSource
from tests.tidy.tree import ROOT

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / "docs" / "howto" / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def source_of(text: str) -> dict[str, Any]:
    (source,) = tomllib.loads(text)["hr_source"]
    assert isinstance(source, dict)
    return source


def test_the_examples_for_directories_can_be_used() -> None:
    first, fields, other = blocks("feed-from-active-directory.md", "toml")
    active_directory = source_of(first)
    openldap = {**active_directory, **source_of(f"[[hr_source]]\n{other}")}
    del openldap["preset"]
    for values in (active_directory, source_of(first + fields), openldap):
        assert LdapSource(LdapSettings.model_validate(values), "GB", lambda: NOW).name == "ad"


def test_the_example_for_json_finds_everything_in_its_own_list() -> None:
    (text,), (example,) = blocks("feed-from-json.md", "toml"), blocks("feed-from-json.md", "json")
    settings = RestSettings.model_validate(source_of(text))
    assert RestSource(settings, "GB", lambda: NOW).name == "payroll"
    (element,) = json.loads(example)[settings.items]
    assert texts_at(json.loads(example), settings.total) == ["2097"]
    found = {field: texts_at(element, str(path)) for field, path in settings.fields.items()}
    assert all(found.values()), found
