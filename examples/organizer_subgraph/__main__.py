"""`python -m examples.organizer_subgraph SEATS --registry URL --client ID`: serves the graph for a gateway."""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL

from examples.organizer_subgraph import seats
from examples.organizer_subgraph.callers import Callers
from examples.organizer_subgraph.graph import SCHEMA, Context
from examples.organizer_subgraph.seats import Seats


class Door(GraphQL[Context, None]):
    def __init__(self, known: Seats, callers: Callers) -> None:
        super().__init__(SCHEMA, graphql_ide=None)
        self._known, self._callers = known, callers

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:  # noqa: ARG002
        return Context(self._known, self._callers.are_ours(request.headers.get("authorization")))


def main() -> None:
    arguments = argparse.ArgumentParser(prog="organizer_subgraph")
    arguments.add_argument("seats", type=Path, help="who sits where, as JSON")
    arguments.add_argument("--registry", required=True, help="the address of the registry")
    arguments.add_argument("--client", action="append", default=[], help="a client_id of ours; several times")
    arguments.add_argument("--port", type=int, default=8100)
    options = arguments.parse_args()
    callers = Callers.of(options.registry.rstrip("/"), frozenset(options.client))
    application = Starlette(routes=[Route("/graphql", Door(seats.read(options.seats), callers))])
    uvicorn.run(application, host="127.0.0.1", port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
