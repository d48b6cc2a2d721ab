"""The API answers whatever its own description allows, and much that it does not, as the description says."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import openapi
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from models.vocabulary import Right
from tests.attacks.house import House, running_house
from tests.effort import examples
from tests.world import BOB, JANE
from webhooks.api.openapi import document

DESCRIPTION = openapi.from_dict(document("http://127.0.0.1"))
OPERATIONS = {found.ok().label: found.ok() for found in DESCRIPTION.get_all_operations()}
AS_DESCRIBED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house with an erasure that waits and an access that is done."""
    with running_house(tmp_path_factory.mktemp("schema")) as made:
        for right, who in ((Right.ERASURE, BOB), (Right.ACCESS, JANE)):
            made.world.open(right, who)
        made.work()
        yield made


def test_every_operation_of_the_description_is_tried() -> None:
    paths = document("")["paths"]
    assert set(OPERATIONS) == {f"{method.upper()} {path}" for path, item in paths.items() for method in item}


def pairs() -> Iterator[object]:
    """Every operation with what it allows, and with what it does not where there is anything to get wrong."""
    for label, operation in OPERATIONS.items():
        yield pytest.param(label, GenerationMode.POSITIVE, id=f"{label} as allowed")
        if operation.body or operation.query or operation.path_parameters:
            yield pytest.param(label, GenerationMode.NEGATIVE, id=f"{label} as not allowed")


@pytest.mark.parametrize(("label", "mode"), list(pairs()))
def test_an_operation_answers_as_it_is_described(place: House, label: str, mode: GenerationMode) -> None:
    operation, headers = OPERATIONS[label], place.caller().headers
    known = {"reference": place.requests()[0].reference} if "{reference}" in label else None

    @settings(
        max_examples=examples(15),
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        asked = known if known is not None and data.draw(st.booleans()) else None
        case = data.draw(operation.as_strategy(generation_mode=mode, path_parameters=asked))
        answer = case.call(base_url=f"{place.console}/api/v1", headers=dict(headers), timeout=30)
        case.validate_response(answer, checks=AS_DESCRIBED + ([negative_data_rejection] if "POST" in label else []))

    ask()
