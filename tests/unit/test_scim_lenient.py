"""What Entra ID sends otherwise than the standard has it, before and after it is put right."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ringfence.hr.scim.flat import ENTERPRISE
from ringfence.hr.scim.lenient import put_filter_right, put_right

MANAGER = f"{ENTERPRISE}:manager"


def righted(value: Any) -> Any:
    return json.loads(put_right(json.dumps(value).encode()))


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("m1", {"value": "m1"}),
        (" m1 ", {"value": "m1"}),
        ({"value": "m1"}, {"value": "m1"}),
        ([{"value": "m1", "$ref": "x"}], {"value": "m1", "$ref": "x"}),
        (["m1"], {"value": "m1"}),
        ("", None),
        ([], None),
        ({"value": ""}, None),
        (None, None),
    ],
)
def test_a_manager_in_a_body_is_an_object_or_nobody(sent: Any, meant: Any) -> None:
    body = {"userName": "ada", ENTERPRISE: {"department": "Housing", "manager": sent}}
    assert righted(body) == {"userName": "ada", ENTERPRISE: {"department": "Housing", "manager": meant}}
    operation = {"op": "Add", "value": {MANAGER: sent, "title": "Clerk"}}
    assert righted({"Operations": [operation]}) == {
        "Operations": [{"op": "Add", "value": {MANAGER: meant, "title": "Clerk"}}]
    }


@pytest.mark.parametrize("path", ["manager", MANAGER, MANAGER.upper()])
def test_an_operation_on_the_manager_sets_an_object_or_removes(path: str) -> None:
    def put(**operation: Any) -> Any:
        return righted({"Operations": [{"path": path, **operation}]})["Operations"][0]

    assert put(op="Add", value="m1") == {"op": "Add", "path": MANAGER, "value": {"value": "m1"}}
    assert put(op="Replace", value="") == {"op": "remove", "path": MANAGER}
    assert put(op="Remove") == {"op": "remove", "path": MANAGER}
    assert put(op="Remove", value=[{"value": "m1"}]) == {"op": "Remove", "path": MANAGER}


@pytest.mark.parametrize(
    "body",
    [
        b'{"userName": "the manager", "title": "manager"}',
        b'{"Operations": [{"op": "add", "path": "title", "value": "manager"}]}',
        b'{"Operations": [{"method": "POST", "path": "/Users/manager", "data": {"title": "manager"}}]}',
        b'{"Operations": [{"op": "add", "path": ["manager"], "value": "manager"}]}',
    ],
)
def test_what_only_mentions_a_manager_stays_as_it_is(body: bytes) -> None:
    assert json.loads(put_right(body)) == json.loads(body)


@pytest.mark.parametrize("body", [b"", b"manager", b'{"manager":', b"\xff manager", b"[" * 100_000 + b'"manager"'])
def test_what_is_no_json_is_left_to_be_refused(body: bytes) -> None:
    assert put_right(body) == body


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ('id eq "1" and manager eq "m1"', f'id eq "1" and {MANAGER}.value eq "m1"'),
        ('Manager EQ "m1"', f'{MANAGER}.value EQ "m1"'),
        ('displayName eq "our manager eq you"', 'displayName eq "our manager eq you"'),
        (r'title eq "a \" manager eq b"', r'title eq "a \" manager eq b"'),
        (f'{MANAGER} eq "m1"', f'{MANAGER} eq "m1"'),
        ("manager pr", "manager pr"),
        (r'title eq "a \\" and manager eq "b"', rf'title eq "a \\" and {MANAGER}.value eq "b"'),
        ('title eq "never closed manager eq "', 'title eq "never closed manager eq "'),
        ('title eq "never closed\nmanager eq \\', 'title eq "never closed\nmanager eq \\'),
    ],
)
def test_a_filter_names_the_manager_with_its_schema(sent: str, meant: str) -> None:
    assert put_filter_right(sent) == meant


def test_quotes_that_are_never_closed_are_gone_through_once() -> None:
    noise = 'manager "' + r"\"" * 100_000 + "\\"  # what looked again from each quote took minutes
    assert put_filter_right(noise) == noise
