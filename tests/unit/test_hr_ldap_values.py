"""What needs no directory: names, filters, values, cursors and settings of the LDAP source."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ringfence.domain.hr.field_mapping import MappingError
from ringfence.hr.ldap import LdapSettings, LdapSource
from ringfence.hr.ldap_cursor import LdapCursor, ServerState, changes_since, highest, parse_cursor
from ringfence.hr.ldap_names import dn_parts, domain_of, escaped, is_at_or_below, why_not_dn, why_not_filter
from ringfence.hr.ldap_results import sign_in_error
from ringfence.hr.ldap_values import Entry, ValueFault, is_disabled, raw_id, text_of

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
DC1 = ServerState("CN=NTDS Settings,CN=DC1", "5000")


def settings(**changes: Any) -> LdapSettings:
    values = {
        "name": "ad",
        "type": "ldap",
        "preset": "active_directory",
        "url": "ldaps://dc1.example.com",
        "bind_dn": "ringfence@example.com",
        "password_file": Path("/etc/ringfence/ad_password"),
        "base": "OU=Staff,DC=example,DC=com",
    }
    return LdapSettings.model_validate(values | changes)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("OU=Staff,DC=example,DC=com", "ou=staff, dc=EXAMPLE ,dc=com"),
        (r"CN=Archer\, Alice,DC=x", r"cn=archer\2c alice,dc=x"),
        (r"CN=J\C3\BCrgen,DC=x", "cn=jürgen,dc=x"),
        ("CN = Bob,DC=x", "cn=bob,dc=x"),
        (r"CN=a\\,DC=x", r"CN=a\5C,DC=x"),
    ],
)
def test_a_name_is_the_same_however_it_is_written(one: str, other: str) -> None:
    assert dn_parts(one) == dn_parts(other)


def test_an_escaped_comma_makes_no_level() -> None:
    left = dn_parts("OU=Left,DC=x")
    assert is_at_or_below(dn_parts("CN=a,OU=Left,DC=x"), left)
    assert is_at_or_below(left, left)
    assert not is_at_or_below(dn_parts(r"CN=a\,OU=Left,DC=x"), left)
    assert not is_at_or_below(dn_parts("CN=a,OU=NotLeft,DC=x"), left)
    assert not is_at_or_below(dn_parts("DC=x"), left)
    assert dn_parts(r"CN=a\ ,DC=x") != dn_parts("CN=a,DC=x")


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_of_names(text: str) -> None:
    dn_parts(text)
    why_not_filter(text)


def test_the_domain_is_the_end_of_a_name() -> None:
    assert domain_of(dn_parts("OU=Staff,DC=Example,DC=com")) == "dc=example,dc=com"
    assert domain_of(dn_parts("OU=Staff,O=Example")) == ""
    assert why_not_dn("OU=Staff,DC=x") is None
    assert why_not_dn("Staff") is not None


@pytest.mark.parametrize("text", ["(a=b)", "(&(a=b)(!(c=d)))", r"(a=\28)"])
def test_whole_filters(text: str) -> None:
    assert why_not_filter(text) is None


@pytest.mark.parametrize("text", ["", "a=b", "(a=b", "(a=b))", "(a=b)(c=d)", "(a=b)x", ")(", "x(a=b)"])
def test_what_would_not_stay_itself_within_another_filter(text: str) -> None:
    assert why_not_filter(text) is not None


def test_a_value_in_a_filter_is_never_part_of_it() -> None:
    assert escaped(b"*)(x=") == r"\2a\29\28\78\3d"


def test_the_guid_is_written_as_people_know_it() -> None:
    raw = bytes.fromhex("33221100554477668899aabbccddeeff")
    assert text_of("objectGUID", raw) == "00112233-4455-6677-8899-aabbccddeeff"
    assert raw_id("objectguid", text_of("objectGUID", raw)) == raw
    with pytest.raises(ValueFault, match="has 3 bytes"):
        text_of("objectGUID", b"abc")


def test_sids_texts_and_bytes() -> None:
    sid = bytes.fromhex("010500000000000515000000010000000200000003000000f4010000")
    assert text_of("objectSid", sid) == "S-1-5-21-1-2-3-500"
    assert text_of("displayName", "Zoë".encode()) == "Zoë"
    with pytest.raises(ValueFault, match="no text"):
        text_of("displayName", b"Zo\xeb")
    with pytest.raises(ValueFault, match="no SID"):
        text_of("objectSid", sid[:-1])


@pytest.mark.parametrize(
    ("values", "disabled"),
    [
        ({}, None),
        ({"useraccountcontrol": (b"512",)}, False),
        ({"useraccountcontrol": (b"66050",)}, True),
        ({"useraccountcontrol": (b"514",)}, True),
        ({"useraccountcontrol": (b"-2147483646",)}, True),
    ],
)
def test_the_flag_of_a_disabled_account(values: dict[str, tuple[bytes, ...]], disabled: bool | None) -> None:
    assert is_disabled(Entry("cn=x", values), {}) is disabled


def test_other_directories_name_their_own_flag() -> None:
    locked = Entry("cn=x", {"pwdaccountlockedtime": (b"000001010000Z",)})
    for_ever = {"pwdAccountLockedTime": "000001010000Z"}
    for_now = Entry("cn=x", {"pwdaccountlockedtime": (b"20261122080000Z",)})
    assert is_disabled(locked, for_ever) is True
    assert is_disabled(for_now, for_ever) is False, "locked for some minutes: still employed"
    assert is_disabled(for_now, {"pwdAccountLockedTime": "*"}) is True
    with pytest.raises(ValueFault, match="is no number"):
        is_disabled(Entry("cn=x", {"useraccountcontrol": (b"x",)}), {})


def since(cursor: LdapCursor | None, attribute: str, server: ServerState = DC1, now: datetime = NOW) -> str | None:
    hour, day = timedelta(hours=1), timedelta(days=1)
    return changes_since(cursor, "print", server, attribute, hour, day, now)


def cursor(changed: str, **changes: Any) -> LdapCursor:
    values = {"fingerprint": "print", "server": DC1.name, "changed": changed, "swept_at": NOW - timedelta(hours=2)}
    return LdapCursor(**(values | changes))


def test_changes_are_searched_from_behind_the_last_one() -> None:
    assert since(cursor("20261122083000.0Z"), "whenChanged") == "20261122073000.0Z"
    assert since(cursor("20261122083000Z"), "modifyTimestamp") == "20261122073000.0Z"
    assert since(cursor("4711"), "uSNChanged") == "4711"


@pytest.mark.parametrize(
    ("one", "server", "now"),
    [
        (None, DC1, NOW),
        (cursor("4711"), ServerState("CN=NTDS Settings,CN=DC2", "5000"), NOW),
        (cursor("4711", fingerprint="other"), DC1, NOW),
        (cursor("4711"), ServerState(DC1.name, "4000"), NOW),
        (cursor("4711"), DC1, NOW + timedelta(hours=22)),
        (cursor("4711"), DC1, NOW - timedelta(hours=3)),
        (cursor(""), DC1, NOW),
    ],
    ids=["first", "another server", "other settings", "restored server", "a day later", "clock set back", "none seen"],
)
def test_what_asks_for_a_full_sweep(one: LdapCursor | None, server: ServerState, now: datetime) -> None:
    assert since(one, "uSNChanged", server, now) is None


def test_a_time_that_cannot_be_compared_asks_for_a_full_sweep() -> None:
    for text in ("", "soon", "20261322083000.0Z", "00010101000000.0Z"):
        assert since(cursor(text), "whenChanged") is None


def test_the_highest_is_no_matter_of_spelling() -> None:
    assert highest("uSNChanged", ["9", "10", "x"]) == "10"
    assert highest("whenChanged", ["20260101000000.0Z", "20261231000000Z", "x"]) == "20261231000000Z"
    assert highest("whenChanged", []) == ""


def test_a_cursor_comes_back_as_it_was() -> None:
    one = cursor("4711", known=frozenset({str(UUID(int=1)), str(UUID(int=2))}))
    assert parse_cursor(one.text()) == one


@given(st.text(max_size=80))
def test_no_text_breaks_the_cursor(text: str) -> None:
    assert parse_cursor(text) is None


def test_a_cursor_without_a_time_zone_is_none() -> None:
    assert parse_cursor(cursor("1").text().replace("+00:00", "")) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"url": "ldap://dc1.example.com"}, "in clear"),
        ({"url": "ldaps://dc1.example.com", "start_tls": True}, "from the beginning"),
        ({"url": "https://dc1.example.com"}, "write ldaps://host"),
        ({"url": "ldaps://user:secret@dc1.example.com"}, "nothing but host and port"),
        ({"url": "ldaps://"}, "write ldaps://host"),
        ({"url": "ldaps://dc1:99999"}, "[Pp]ort"),
        ({"base": "Staff"}, "no distinguished name"),
        ({"filter": "(a=b)(c=d)"}, "one whole filter"),
        ({"id_attribute": "x)(y"}, "pattern"),
        ({"changed_attribute": "a>=1)(b"}, "pattern"),
        ({"search_base_all": "OU=Other,DC=example,DC=com"}, "does not lie below"),
        (
            {"search_base_all": "OU=Staff,DC=example,DC=com", "leaver_bases": ["OU=Left,DC=example,DC=com"]},
            "leaver_bases",
        ),
        ({"include_deleted": True, "base": "O=Example"}, "DC= parts"),
        ({"verify": False}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_be_meant(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        settings(**changes)


def test_ports_and_places_are_worked_out() -> None:
    assert (settings().port, settings(url="ldap://dc1", start_tls=True).port) == (636, 389)
    assert settings(url="ldap://[::1]:1389").port == 1389
    both = settings(leaver_bases=["OU=Left,OU=Staff,DC=example,DC=com", "OU=Gone,DC=example,DC=com"])
    assert both.sweep_bases == ("OU=Staff,DC=example,DC=com", "OU=Gone,DC=example,DC=com")
    assert settings(every_minutes=5).fingerprint == settings().fingerprint
    assert settings(filter="(a=b)").fingerprint != settings().fingerprint


def test_a_column_that_is_no_attribute_is_refused_at_once() -> None:
    with pytest.raises(MappingError, match="'Employee ID' is no attribute"):
        LdapSource(settings(fields={"key": "Employee ID"}), "GB", lambda: NOW)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data 52e, v4563",
            "password is wrong",
        ),
        ("80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data 775, v4563", "is locked"),
        ("", "invalidCredentials"),
    ],
)
def test_what_active_directory_means_by_its_numbers(message: str, words: str) -> None:
    result = {"result": 49, "description": "invalidCredentials", "message": message}
    error = sign_in_error(settings(), result)
    assert words in str(error)
    assert "/etc/ringfence/ad_password" in str(error)
    assert error.retry is False


def test_the_library_is_loaded_only_where_it_is_used() -> None:
    program = "import sys, ringfence.hr.ldap; sys.exit('ldap3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
