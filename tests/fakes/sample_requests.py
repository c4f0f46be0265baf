"""One request for each operation, its first example or else made from its own schema: good enough to do something where
it is let through. So no first example may name a moment: a real clock has passed it, or finds it too far ahead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts

from tests.fakes.node import DID, SCOPE, SOURCE

# What a part of a request is called -> something the fake node knows.
KNOWN: Mapping[str, object] = {
    "scope": SCOPE,
    "did": DID,
    "dids": [DID],
    "number": DID,
    "person": "ada",
    "key": "ada",
    "reason": "drill",
    "why": "drill",
    "mode": "dr",
    "source": SOURCE,
    "id": 1,
    "timeout_seconds": 0.1,
    "permissions": ["see"],
    "name": "linus@example.org",
    "starts": "2030-01-16",
    "ends": "2030-01-17",
    "until": "2030-01-16T12:00:00Z",
    "for": "2h",
}

# Given where they may be left out: without the one many requests are about nothing, without the other one waits long.
GIVEN = frozenset({"scope", "timeout_seconds"})


@dataclass(frozen=True, slots=True)
class Sample:
    """One operation and a request for it."""

    operation: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    json: Any = None

    @property
    def is_page(self) -> bool:
        return not self.path.startswith("/v1/")


def routes_of(app: FastAPI) -> Iterator[RouteContext]:
    """Every route that has an operation id of its own."""
    for route in iter_route_contexts(app.routes):
        if getattr(route, "operation_id", None) is not None:
            yield route


def samples(app: FastAPI, operations: frozenset[str]) -> list[Sample]:
    """For each of these operations, by its schema; a page has none, and gets what its path asks for."""
    document: dict[str, Any] = app.openapi()
    found = []
    for route in routes_of(app):
        if route.operation_id not in operations:
            continue
        for method in sorted(route.methods):
            described = document["paths"].get(route.path, {}).get(method.lower(), {})
            found.append(_sample(document, route, method, described))
    return found


def _sample(document: dict[str, Any], route: RouteContext, method: str, described: dict[str, Any]) -> Sample:
    path, query = route.path, {}
    for parameter in described.get("parameters", []):
        value = str(_value(document, parameter["schema"], parameter["name"]))
        if parameter["in"] == "query" and (parameter.get("required") or parameter["name"] in GIVEN):
            query[parameter["name"]] = value
    for parameter in route.dependant.path_params:
        path = path.replace(f"{{{parameter.alias}}}", str(KNOWN.get(parameter.alias, "1")))
    content = described.get("requestBody", {}).get("content", {})
    json = None
    if "application/json" in content:
        media = content["application/json"]
        json = next((one["value"] for one in media.get("examples", {}).values()), _value(document, media["schema"], ""))
    return Sample(str(route.operation_id), method, path, query, json)


def _value(document: dict[str, Any], schema: dict[str, Any], name: str) -> Any:
    """A small value that fits the schema, or one that the fake node knows by that name."""
    if "$ref" in schema:
        place = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            place = place[part]
        return _value(document, place, name)
    if name in KNOWN and schema.get("type") not in ("object", "boolean"):
        return KNOWN[name]
    if schema.get("examples"):
        return schema["examples"][0]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return _value(document, schema[choice][0], name)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    match schema.get("type"):
        case "object":
            needed = schema.get("required", [])
            fields = schema.get("properties", {})
            return {one: _value(document, fields[one], one) for one in fields if one in needed or one in GIVEN}
        case "array":
            return [_value(document, schema["items"], name)] * max(1, schema.get("minItems", 0))
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
    return "text"
