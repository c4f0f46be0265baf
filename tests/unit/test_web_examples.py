"""Every operation of the schema has examples of what it takes and answers, and each is true to the schema."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import jsonschema_rs
import pytest

from ringfence.web.app import operations
from ringfence.web.openapi import read_examples
from tests.fakes.roster_node import RosterNode
from tests.tidy.tree import ROOT, text_of

DOCUMENT: dict[str, Any] = operations(RosterNode().services).openapi()
OPERATIONS = {operation["operationId"]: operation for path in DOCUMENT["paths"].values() for operation in path.values()}
JSON = "application/json"


def _valid(schema: dict[str, Any], value: object) -> Iterator[str]:
    """What is wrong with the value; nothing, if it fits."""
    whole = schema | {"components": DOCUMENT["components"]}
    for error in jsonschema_rs.Draft202012Validator(whole, validate_formats=True).iter_errors(value):
        yield f"{'/'.join(map(str, error.instance_path))}: {error.message}"


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_an_operation_takes_has_examples(name: str) -> None:
    operation = OPERATIONS[name]
    for parameter in operation.get("parameters", ()):
        if parameter["required"]:
            assert "example" in parameter, f"{parameter['name']}: add one to web/examples/*.json"
        if "example" in parameter:
            assert list(_valid(parameter["schema"], parameter["example"])) == []
    if "requestBody" in operation:
        taken = operation["requestBody"]["content"][JSON]
        assert taken.get("examples"), "add `bodies` to web/examples/*.json"
        for words, shown in taken["examples"].items():
            assert list(_valid(taken["schema"], shown["value"])) == [], words


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_an_operation_answers_has_an_example(name: str) -> None:
    for status, response in OPERATIONS[name]["responses"].items():
        for media_type, content in response.get("content", {}).items():
            if media_type == JSON and status == "200":
                assert "example" in content, "add `answer` to web/examples/*.json"
            if media_type == "application/problem+json":
                assert content["example"]["status"] == int(status)
            if "example" in content:
                assert list(_valid(content["schema"], content["example"])) == []


def test_no_example_is_of_nothing() -> None:
    assert sorted(set(read_examples()) - set(OPERATIONS)) == []


def test_no_operation_has_examples_in_two_files() -> None:
    found: Counter[str] = Counter()
    for file in files("ringfence.web").joinpath("examples").iterdir():
        found.update(list(json.loads(file.read_text(encoding="utf-8"))))
    assert [name for name, times in found.items() if times > 1] == []


def test_the_schema_says_which_version_it_is_of() -> None:
    assert DOCUMENT["info"]["x-api-version"] == "1.0"


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_every_operation_is_on_the_page(path: str) -> None:
    named = re.sub(r"\\\{\w+\\\}", "[A-Z]+", re.escape(path))
    assert re.search(rf"`[^`\n]*{named}(?![/\w])", text_of(ROOT / "docs" / "reference" / "http-api.md"))
