"""The schema of test registries: that of the live one, and two mutations that only they have."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime
from functools import cache
from typing import Annotated, Protocol

import strawberry
from graphql import GraphQLSchema
from strawberry import ID

from app import clock
from app.errors import Refusal
from app.graphql.context import Info
from app.graphql.engine.limits import weigh
from app.graphql.entities import FederatedSchema
from app.graphql.internals import executable
from app.graphql.mutations import Mutation
from app.graphql.permissions import open_to
from app.graphql.queries import Query
from app.graphql.schema import CONFIG, FEDERATION, Subscription
from app.graphql.topics.problems import Problem
from app.graphql.weights import WEIGHTS
from app.registry.clients.scopes import REGISTRANTS_WRITE


class Acting(Protocol):
    """The test registry that a request came to."""

    organizer: str

    async def reset(self) -> None: ...

    async def move(self, to: datetime | None) -> Refusal | None: ...


acting: ContextVar[Acting] = ContextVar("acting")


@strawberry.type(description="Your test registry. Nothing of it is in the live one.")
class TestRegistry:
    __test__ = False
    organizer: ID = strawberry.field(description="Whose it is.")
    now: datetime = strawberry.field(description="What its clock says.")


TestRegistryResult = Annotated[
    TestRegistry | Problem, strawberry.union("TestRegistryResult", description="The test registry as it is now.")
]


def _shown() -> TestRegistry:
    return TestRegistry(organizer=ID(acting.get().organizer), now=clock.now())


async def reset_all(info: Info) -> TestRegistry:  # noqa: ARG001 - a resolver is called with it
    await acting.get().reset()
    return _shown()


async def move_clock(
    info: Info,
    at: Annotated[
        datetime | None, strawberry.argument(description="What the clock is to say. Null: the true time again.")
    ] = None,
) -> TestRegistryResult:
    refused = await acting.get().move(at)
    return _shown() if refused is None else Problem.from_refusal(refused, info.context)


@strawberry.type(name="Mutation", description="What can be changed in a test registry.")
class TestMutation(Mutation):
    __test__ = False
    reset_test = open_to(
        reset_all,
        REGISTRANTS_WRITE,
        description=(
            "Only in test mode: your test registry is as on its first day again, with the true time. Its clients and"
            " their secrets stay; all else is gone, and ids and cursors of before are unknown."
        ),
    )
    test_now = open_to(
        move_clock,
        REGISTRANTS_WRITE,
        description=(
            "Only in test mode: moves the clock of your test registry, at most 30 days back and 120 days ahead of the"
            " true time, and does what is due then: H+7, no-shows, reminders. Access tokens and signatures of webhooks"
            " go by the true time."
        ),
    )


@cache
def test_schema() -> GraphQLSchema:
    """It takes half a second to make, so it is made when the first test registry is asked."""
    made = executable(
        FederatedSchema(
            query=Query,
            mutation=TestMutation,
            subscription=Subscription,
            config=CONFIG,
            federation_version=FEDERATION,
        )
    )
    weigh(made, WEIGHTS)
    return made
