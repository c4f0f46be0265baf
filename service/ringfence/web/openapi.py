"""The schema as a product: problem details under their own media type, and an example of everything.

The examples lie beside this in `examples/*.json`, by operation: `parameters` (name -> value), `bodies` (what it does ->
body) and `answer`, or `answer_of` with the name of an operation that answers the same. They are read when somebody asks
for the schema, and a test holds each of them to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ringfence.web.problem import MEDIA_TYPE, Problem, example

API_VERSION: Final = "1.0"
"""Of `/v1`: the second number goes up when something is added. What would break a program gets a path of its own."""

_JSON: Final = "application/json"
_METHODS: Final = frozenset({"get", "put", "post", "delete", "patch"})


class Api(FastAPI):
    """FastAPI whose schema says more, and is written once: writing it takes long."""

    _written: bytes | None = None

    def setup(self) -> None:
        super().setup()

        async def schema(_: Request) -> Response:
            if self._written is None:
                self._written = bytes(JSONResponse(self.openapi()).body)
            return Response(self._written, media_type=_JSON)

        self.router.add_route("/openapi.json", schema, include_in_schema=False)

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            document["info"]["x-api-version"] = API_VERSION
            document["components"]["schemas"][Problem.__name__] = Problem.model_json_schema(mode="serialization")
            shown = read_examples()
            for operation in _operations(document):
                _tell_problems(operation)
                _show(operation, operation["operationId"], shown)
            self.openapi_schema = document
        return self.openapi_schema


def read_examples() -> dict[str, Mapping[str, Any]]:
    """Operation id -> its examples. Of two files that name the same operation the later one would count: a test
    forbids it."""
    found: dict[str, Mapping[str, Any]] = {}
    for file in sorted(files("ringfence.web").joinpath("examples").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".json"):
            found |= json.loads(file.read_text(encoding="utf-8"))
    return found


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from (operation for method, operation in path.items() if method in _METHODS)


def _tell_problems(operation: Mapping[str, Any]) -> None:
    for status, response in operation["responses"].items():
        if MEDIA_TYPE in response.get("content", {}):
            response["content"][MEDIA_TYPE]["example"] = example(int(status))


def _show(operation: Mapping[str, Any], name: str, all_shown: Mapping[str, Mapping[str, Any]]) -> None:
    shown = all_shown.get(name, {})
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in shown.get("parameters", {}):
            parameter["example"] = shown["parameters"][parameter["name"]]
    if bodies := shown.get("bodies"):
        taken = operation["requestBody"]["content"][_JSON]
        taken["examples"] = {
            words.replace(" ", "-"): {"summary": words, "value": value} for words, value in bodies.items()
        }
    answering = all_shown[shown["answer_of"]] if "answer_of" in shown else shown
    if "answer" in answering:
        operation["responses"]["200"]["content"][_JSON]["example"] = answering["answer"]
