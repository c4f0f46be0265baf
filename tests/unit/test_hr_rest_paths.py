"""What needs no server: paths into JSON, paging, and settings of the JSON source."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from yarl import URL

from ringfence.app.hr.ports import FeedRefused
from ringfence.domain.hr.field_mapping import FieldMapping, MappedField, MappingError
from ringfence.hr.json_paths import PathFault, found_at, text_at, texts_at, why_not_path
from ringfence.hr.rest_api import RestCursor, RestSource, parse_cursor
from ringfence.hr.rest_pages import Pages
from ringfence.hr.rest_settings import RestSettings
from ringfence.hr.several_values import SeveralValues, ValueColumns

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ELEMENT = {
    "id": "p1",
    "work": {"phone": "1", "more": {"a.b": "dotted"}},
    "work.mobile": "2",
    "phones": [
        {"type": "home", "number": "10", "primary": False},
        {"type": "Mobile", "number": "11", "primary": True},
        {"type": "mobile", "number": "12"},
    ],
    "tags": ["x", "y"],
    "employed": True,
    "left": None,
    "attributes": {"first name": {"value": "Alice"}},
}


@pytest.mark.parametrize(
    ("path", "texts"),
    [
        ("id", ["p1"]),
        ("work.phone", ["1"]),
        ("work.mobile", ["2"]),
        ("work.more.a.b", ["dotted"]),
        ("phones[0].number", ["10"]),
        ("phones[9].number", []),
        ("phones[type=mobile].number", ["11", "12"]),
        ("phones[type=fax].number", []),
        ("phones[primary=true].number", ["11"]),
        ("phones[*].number", ["10", "11", "12"]),
        ("phones.number", []),
        ("tags", ["x", "y"]),
        ("tags[1]", ["y"]),
        ("employed", ["true"]),
        ("left", [""]),
        ("attributes.first name.value", ["Alice"]),
        ("work.none", []),
        ("id.none", []),
        ("phones[x", []),
    ],
)
def test_what_is_found_at_a_path(path: str, texts: list[str]) -> None:
    assert texts_at(ELEMENT, path) == texts


def test_an_object_is_no_text() -> None:
    with pytest.raises(PathFault, match=r"holds an object; name what is in it, as work\.name"):
        texts_at(ELEMENT, "work")
    with pytest.raises(PathFault, match="holds an object"):
        texts_at(ELEMENT, "phones")
    assert text_at(ELEMENT, "none") == ""
    assert found_at([1], "") == [[1]]


@given(st.text(alphabet="ab.[]=*0 ", max_size=30))
def test_no_path_breaks_the_search(path: str) -> None:
    found_at({"a": [{"b": ["0"]}], "b": {"a": {}}}, path)
    why_not_path(path)


def settings(**changes: Any) -> RestSettings:
    values = {"name": "hr", "type": "json", "url": "https://hr.example.com/people", "fields": {"key": "id"}}
    return RestSettings.model_validate(values | changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": "http://hr.example.com/people"}, "in clear"),
        ({"url": "ftp://hr.example.com/people"}, "write https://"),
        ({"url": "https://user:secret@hr.example.com/"}, "holds a user"),
        ({"url": "hr.example.com"}, "write https://"),
        ({"user": "x"}, "belong together"),
        ({"user": "x", "password_file": "/p", "token_file": "/t"}, "either a token"),
        ({"user": "x:y", "password_file": "/p"}, "colon"),
        ({"headers": {"Authorization": "secret"}}, "secrets belong"),
        ({"headers": {"X-Company": "4\r\nX-Evil: 1"}}, "no header has"),
        ({"header": "X Key"}, "pattern"),
        ({"paging": {"style": "next_link"}}, "needs the path"),
        ({"paging": {"style": "cursor"}}, "needs the path"),
        ({"items": "data[0"}, "without its other half"),
        ({"verify": False}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_be_meant(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        settings(**changes)
    assert "secret@" not in str(caught.value.errors(include_input=False))


def test_loopback_needs_no_tls() -> None:
    for url in ("http://127.0.0.1:8080/x", "http://[::1]/x", "http://localhost/x"):
        assert settings(url=url).url == url


def test_a_mapping_that_cannot_work_is_refused_at_once() -> None:
    with pytest.raises(MappingError, match="without its other half"):
        RestSource(settings(fields={"key": "ids[0"}), "GB", lambda: NOW)


def test_the_address_keeps_its_own_query_and_names_no_secret_in_it() -> None:
    pages = Pages(
        settings(url="https://hr.example.com/people?api_key=private", paging={"style": "page"}), {"since": "x"}
    )
    assert pages.url is not None
    assert dict(pages.url.query) == {"api_key": "private", "since": "x", "limit": "100", "page": "1"}
    with pytest.raises(FeedRefused) as caught:
        pages.take({}, None)
    assert "private" not in str(caught.value)


def test_a_relative_link_belongs_to_the_page_it_stands_on() -> None:
    pages = Pages(settings(items="people", paging={"style": "next_link", "next": "next"}), {})
    pages.take({"people": [{"id": "1"}], "next": "?page=2"}, None)
    assert pages.url == URL("https://hr.example.com/people?page=2")
    pages.take({"people": [{"id": "2"}], "next": None}, None)
    assert pages.url is None
    assert len(pages.finish()) == 2


def test_a_cursor_comes_back_as_it_was() -> None:
    cursor = RestCursor("print", NOW, NOW)
    assert parse_cursor(cursor.text()) == cursor


@given(st.text(max_size=60))
def test_no_text_breaks_the_cursor(text: str) -> None:
    assert parse_cursor(text) is None


COLUMNS = {
    MappedField.KEY: ("id",),
    MappedField.NAME: ("name",),
    MappedField.DID: ("did",),
    MappedField.PRIVATE_NUMBER: ("mobile", "other"),
}


def test_several_values_are_joined_spread_or_refused() -> None:
    columns = ValueColumns(FieldMapping(COLUMNS))
    values = {"id": ["1"], "name": ["A", "B"], "did": ["d1", "d2"], "mobile": ["m1", " ", "m2"], "other": ["o1"]}
    row = columns.row(lambda name: values[name])
    assert row == {"id": "1", "name": "A", "did": "d1;d2", "mobile": "m1", "mobile (2)": "m2", "other": "o1"}
    assert columns.mapping.columns[MappedField.PRIVATE_NUMBER][:2] == ("mobile", "mobile (2)")
    columns.check_all_were_there("element")
    with pytest.raises(SeveralValues, match="has 2 values"):
        columns.row(lambda name: ["1", "2"])


def test_what_nobody_has_is_told() -> None:
    columns = ValueColumns(FieldMapping(COLUMNS))
    columns.row(lambda name: ["1"] if name == "id" else [])
    with pytest.raises(FeedRefused, match=r"No object has anything in did.*did = \[\] does without"):
        columns.check_all_were_there("object")


def test_files_are_named_by_paths() -> None:
    assert settings(token_file="/etc/ringfence/hr_token").token_file == Path("/etc/ringfence/hr_token")
