"""Whether the bench of costs tells of every root field."""

from __future__ import annotations

from app.config import Settings
from app.graphql.engine.operations import Operations
from app.graphql.engine.requests import OperationRequest
from app.graphql.schema import EXECUTABLE
from app.server.turns import Turns
from bench import costs, singles


def test_each_root_field_is_measured_or_an_exception_that_says_why() -> None:
    roots = [root for root in (EXECUTABLE.query_type, EXECUTABLE.mutation_type) if root is not None]
    operations = Operations(EXECUTABLE, Settings(), Turns())
    documents = [OperationRequest(costs.document(query), {}, None) for query in costs.FAMILIES.values()]
    measured = {name for one in documents for name in operations.find(one).operation.root_field_names.split(",")}
    measured |= {name.partition(",")[0] for name in (*singles.READS, *singles.WRITES)}
    assert measured | costs.NOT_MEASURED.keys() == {name for root in roots for name in root.fields}
    assert not measured & costs.NOT_MEASURED.keys()
    assert not costs.NOT_MEASURED.keys() & roots[0].fields.keys()
