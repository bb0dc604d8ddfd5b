"""Whether the bench of costs tells of every root field of a query."""

from __future__ import annotations

from app.config import Settings
from app.graphql.engine.operations import Operations
from app.graphql.engine.requests import OperationRequest
from app.graphql.schema import EXECUTABLE
from app.server.turns import Turns
from bench import costs


def test_each_root_field_of_a_query_is_measured_or_an_exception_that_says_why() -> None:
    assert EXECUTABLE.query_type is not None
    operations = Operations(EXECUTABLE, Settings(), Turns())
    documents = [OperationRequest(costs.document(query), {}, None) for query in costs.FAMILIES.values()]
    measured = {name for one in documents for name in operations.find(one).operation.root_field_names.split(",")}
    assert measured | costs.NOT_MEASURED.keys() == EXECUTABLE.query_type.fields.keys()
    assert not measured & costs.NOT_MEASURED.keys()
