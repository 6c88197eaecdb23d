"""Schemathesis reads the served description and tries every route; answers must be as described.

``DETENTE_FUZZ_EXAMPLES`` says how many requests of each kind are made; the default takes well under a minute.
"""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.invariants.test_access import COOKIE, MAY, OPEN, SIGN_IN

pytestmark = [pytest.mark.pg, pytest.mark.slow, pytest.mark.timeout(900)]
EXAMPLES = int(os.environ.get("DETENTE_FUZZ_EXAMPLES", "12"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


FEW = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
        HealthCheck.function_scoped_fixture,
    ],
)


@pytest.fixture(scope="session")
def description(served):
    return schemathesis.openapi.from_url(f"{served.url}/openapi.json")


# By hand rather than by schemathesis' own pytest plugin, which follows new versions of pytest slowly.
@pytest.mark.parametrize("route", sorted({*MAY, *OPEN, *COOKIE, SIGN_IN}), ids=" ".join)
def test_every_answer_is_as_described(description, served, route):
    method, path = route

    @FEW
    @given(description[path][method].as_strategy())
    def holds(case):
        answer = case.call(headers=served.headers(path))
        if answer.status_code == 401:  # a signing key was replaced at once by an earlier example
            served.renew()
            answer = case.call(headers=served.headers(path))
        case.validate_response(answer, checks=CHECKS)

    holds()
