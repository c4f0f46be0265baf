"""OpenAPI is true to the code: every operation, driven with good and bad data made from its own schema."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, assume, settings

from ringfence.web.app import operations
from ringfence.web.server import MAX_HEADER_BYTES
from tests.fakes.doors import WITH_TOKEN
from tests.fakes.roster_node import RosterNode, roster
from tests.fakes.thread import ServedNode, served_on_tcp

EXAMPLES = 30

# Data can fit the schema and still be refused: an end in the past, a number no country uses, a blank reason.
_REFUSABLE = ["2xx", "403", "404", "409", "422"]

_config = schemathesis.Config.from_dict(
    {
        "checks": {"positive_data_acceptance": {"expected-statuses": _REFUSABLE}},
        "generation": {"with-security-parameters": False},
    }
)


@pytest.fixture(scope="module")
def served() -> Iterator[ServedNode]:
    with served_on_tcp(RosterNode) as node:
        node.wait_for(lambda fake: roster(fake).load_first())
        yield node


def _document() -> dict[str, object]:
    node = RosterNode()
    app = operations(node.services)
    document: dict[str, object] = app.openapi()
    return document


schema = schemathesis.openapi.from_dict(_document(), config=_config)


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_the_schema_is_true(case: schemathesis.Case, served: ServedNode) -> None:
    assume(_reaches_the_application(case, served.place))
    case.call_and_validate(base_url=served.place, headers=WITH_TOKEN, timeout=10)


def _reaches_the_application(case: schemathesis.Case, place: str) -> bool:
    """A longer address is answered with 400 by the server itself, which closes without reading on: whether its answer
    or the reset comes first is chance."""
    address = requests.Request(**case.as_transport_kwargs(base_url=place)).prepare().url
    return len(address or "") < MAX_HEADER_BYTES // 2


def test_every_operation_declares_what_goes_wrong() -> None:
    document = _document()
    paths = document["paths"]
    assert isinstance(paths, dict)
    for path, methods in paths.items():
        for operation in methods.values():
            assert "200" in operation["responses"]
            if path.startswith("/v1"):
                assert {"400", "401"} <= set(operation["responses"]), path
                assert operation["security"] == [{"token": []}]
            assert operation["operationId"].isidentifier()
            assert operation.get("description"), path
