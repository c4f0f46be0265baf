"""A user as a row of texts, and who is read from it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ringfence.domain.hr.presets import PRESETS
from ringfence.hr.scim.flat import ENTERPRISE, flat_row
from ringfence.hr.scim.records import RecordReader
from tests.integration.scim_site import scim_settings
from tests.unit.test_scim_keeper import user

WHOLE: dict[str, Any] = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "userName": "ada@example.org",
    "externalId": "E1",
    "active": False,
    "displayName": "Ada Archer",
    "name": {"givenName": "Ada", "familyName": "Archer", "middleName": ""},
    "emails": [{"type": "home", "value": "h@example.org"}, {"type": "work", "value": "w@example.org", "primary": True}],
    "phoneNumbers": [
        {"type": "work", "value": "1"},
        {"type": "Mobile", "value": "2", "display": "two"},
        {"type": "work", "value": "3", "primary": True},
        {"type": "mobile", "value": "4", "primary": False},
        {"type": "home"},
        {"value": "5"},
    ],
    "addresses": [{"type": "work", "locality": "Leeds", "country": None}],
    ENTERPRISE: {"department": "Housing", "manager": {"value": "m1", "$ref": "../Users/m1"}, "employeeNumber": "7"},
}


def test_everything_has_its_column_and_the_primary_entry_of_a_type_counts() -> None:
    assert flat_row(WHOLE) == {
        "userName": "ada@example.org",
        "externalId": "E1",
        "active": "false",
        "displayName": "Ada Archer",
        "name.givenName": "Ada",
        "name.familyName": "Archer",
        "emails[home]": "h@example.org",
        "emails[work]": "w@example.org",
        "emails[work].primary": "true",
        "phoneNumbers[work]": "3",
        "phoneNumbers[work].primary": "true",
        "phoneNumbers[mobile]": "2",
        "phoneNumbers[mobile].display": "two",
        "phoneNumbers[mobile].primary": "false",
        "phoneNumbers[]": "5",
        "addresses[work].locality": "Leeds",
        "enterprise.department": "Housing",
        "enterprise.manager": "m1",
        "enterprise.employeeNumber": "7",
    }


def test_nothing_at_all_is_an_empty_row() -> None:
    assert flat_row({"name": None, "emails": None, "phoneNumbers": [], ENTERPRISE: {"manager": None}}) == {}


def test_every_column_of_the_preset_is_one_that_a_whole_user_has() -> None:
    columns = {column for columns in PRESETS["scim"].columns.values() for column in columns}
    assert columns <= {*flat_row(WHOLE), "id"}


@pytest.mark.parametrize("active", [True, False, None])
def test_who_cannot_be_read_is_rejected_and_gone_only_when_not_active(active: bool | None) -> None:
    unreadable = user("u1", active=active, phoneNumbers=[{"type": "mobile", "value": "07700 900123 or 07700 900124"}])
    batch = RecordReader(scim_settings(), "GB").batch([unreadable, user("u2")])
    assert ([record.id for record in batch.records], batch.rows) == (["u2"], 2)
    assert [(problem.where, problem.field, problem.id) for problem in batch.rejected] == [
        ("user u1", "phoneNumbers[mobile]", "" if active is False else "u1")
    ]
    assert "900123" not in batch.rejected[0].message
    assert batch.gone == ({"u1"} if active is False else set())


def test_the_key_may_be_another_attribute_and_the_id_never() -> None:
    reader = RecordReader(scim_settings(fields={"key": "enterprise.employeeNumber"}), "GB")
    (record,) = reader.batch([user("u1", **{ENTERPRISE: {"employeeNumber": "7"}})]).records
    assert (record.id, record.key) == ("u1", "7")
    with pytest.raises(ValueError, match="`id` is always SCIM's own"):
        scim_settings(fields={"id": "userName"})


def test_a_mapping_that_cannot_work_is_told_before_anything_is_pushed() -> None:
    with pytest.raises(ValueError, match="adress: is no field of a record"):
        scim_settings(fields={"adress": "x"})


def test_the_words_and_the_order_of_dates_are_the_settings() -> None:
    fields: dict[str, Any] = {"active": "userType", "starts": "hired"}
    reader = RecordReader(scim_settings(fields=fields, status_words={"gone fishing": False}, date_order="mdy"), "GB")
    (record,) = reader.batch([user("u1", userType="Gone fishing", hired="03/04/2026")]).records
    assert (record.active, record.starts) == (False, date(2026, 3, 4))
