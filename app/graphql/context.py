"""What a resolver finds in `info.context`: who calls, in which language, the registry, and loaders.

A loader reads many keys in one transaction. It lives as long as one request.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

import strawberry
from strawberry.dataloader import DataLoader

from app.auth.bearer import Principal
from app.changes.log import feed
from app.db import Session
from app.errors import Language, Refusal, Unavailable
from app.graphql.reading import Shown
from app.process import Process
from app.registry.caller import Caller
from app.registry.clients.scopes import DASHBOARD_READ, HUBDAT_ADMIN, OWN_REGISTRANTS, REGISTRANTS_READ
from app.registry.niks import allowance, reads, telling
from app.registry.niks.allowance import Allowance
from app.registry.registrants import lookup, submission
from app.registry.registrants.submission import Accepted, Submission
from app.registry.registrants.view import View
from app.registry.routes import finding, lap_infants, release_list, route, terminals
from app.registry.routes.finding import RouteFilter
from app.registry.routes.lap_infants import Leaver
from app.registry.routes.release_list import ListedRelease
from app.registry.routes.route import Route
from app.registry.routes.terminals import Terminal
from app.registry.statistics import statistics
from app.registry.statistics.questions import Question
from app.registry.terms import last_heard, organizers, seasons
from app.registry.terms.organizers import Organizer
from app.registry.webhooks import deliveries
from app.registry.webhooks.deliveries import Delivery

Written = TypeVar("Written")


@dataclass(frozen=True, slots=True)
class RoutePageKey:
    """What a loader is asked for: a page of the routes that fit a filter."""

    where: RouteFilter
    after: UUID | None
    first: int


@dataclass(frozen=True, slots=True)
class DeliveryPageKey:
    """What a loader is asked for: a page of a webhook's deliveries."""

    webhook_id: UUID
    state: str | None
    after: UUID | None
    first: int


class Context:
    """A request has one. Each event of a subscription that needs a context has one of its own."""

    def __init__(
        self,
        process: Process,
        principal: Principal,
        language: Language,
        now: datetime,
        session: Session | None = None,
        shown: Shown | None = None,
    ) -> None:
        self.process = process
        self.principal = principal
        self.language = language
        self.now = now
        self._session = session
        """Of a request with an `Idempotency-Key`: all of the request is one transaction. None: each root field and each
        loader has a transaction of its own.
        """
        self.shown = shown or Shown()
        """Whom the answer shows. A subscription has one for all its events."""
        self._session_turn = asyncio.Lock()
        """Loaders run at the same time, and a session does one thing at a time."""
        self._ended = False

    @property
    def caller(self) -> Caller:
        return self.principal.caller

    @property
    def everyone(self) -> bool:
        """Whether the client may see other organizers' registrants at all, masked."""
        return DASHBOARD_READ in self.principal.scopes

    @property
    def reader(self) -> Caller:
        """The caller as a reader. Without one of `OWN_REGISTRANTS` its own are masked like everybody else's."""
        return self.caller if OWN_REGISTRANTS & self.principal.scopes else replace(self.caller, owns_nothing=True)

    @property
    def followed(self) -> frozenset[str] | None:
        """Whose changes may be followed. None: everyone's."""
        return None if self.everyone else self.reader.organizers

    @property
    def admin(self) -> bool:
        """Whether the client may manage what belongs to any organizer."""
        return HUBDAT_ADMIN in self.principal.scopes

    @property
    def own_scopes(self) -> frozenset[str] | None:
        """The scopes that the client may hand on. None: with `hubdat:admin`, any."""
        return None if self.admin else self.principal.scopes

    @property
    def figures_of(self) -> frozenset[str] | None:
        """Whose statistics may be read: its own and its members'. None: with `dashboard:read`, anybody's."""
        if self.everyone:
            return None
        return self.caller.organizers if REGISTRANTS_READ in self.principal.scopes else frozenset()

    def may_hear_of(self, organizer: str) -> bool:
        """When an organizer was last heard: its own, its coordinator's, and Hubdat's to know."""
        return self.everyone or self.admin or self.caller.owns(organizer)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        if self._session is None:
            async with self.process.database.transaction() as session:
                yield session
            return
        async with self._session_turn:
            if self._ended:
                raise Unavailable
            yield self._session

    async def end(self) -> None:
        """Wait for a loader whose field nobody waits for any more, since a field beside it has failed."""
        async with self._session_turn:
            self._ended = True

    async def write_down(self, what: str) -> None:
        """Who read whom, before the answer leaves. `what` is the names of the root fields. Raises `Unavailable`."""
        if not self.shown.leaves_a_trace:
            return
        read = self.shown.read(self.caller, what)
        if self._session is None:
            async with self.process.database.statements() as session:
                await reads.record(session, read, self.now)
            return
        async with self.transaction() as session:
            await reads.record(session, read, self.now)

    async def attempt(self, work: Callable[[Session], Awaitable[Written]]) -> Written:
        """Work that writes. A request with an `Idempotency-Key` is attempted again as a whole."""
        if self._session is None:
            return await self.process.database.attempt(work)
        async with self.transaction() as session:
            return await work(session)

    async def submit(self, one: Submission) -> Accepted | Refusal:
        """Like `submit_all`. Single submissions of many callers are merged, but not those of a keyed request."""
        if self._session is None:
            verdict = await self.process.submissions.ask(one)
            telling.shut_out([verdict], self.now)
            return verdict
        [verdict] = await self.submit_all([one])
        return verdict

    async def submit_all(self, submissions: Sequence[Submission]) -> list[Accepted | Refusal]:
        """Raises `Unavailable` when the organizer is shut out until tomorrow."""
        verdicts = await self.attempt(
            lambda session: submission.submit(session, self.process.vault, submissions, self.now)
        )
        telling.shut_out(verdicts, self.now)
        return verdicts

    @cached_property
    def organizers(self) -> DataLoader[str, Organizer | None]:
        async def load(codes: list[str]) -> list[Organizer | None]:
            async with self.transaction() as session:
                return await organizers.by_codes(session, codes, await seasons.latest(session))

        return DataLoader(load)

    @cached_property
    def nik_allowances(self) -> DataLoader[str, Allowance]:
        async def load(codes: list[str]) -> list[Allowance]:
            async with self.transaction() as session:
                found = await allowance.of_organizers(session, codes, self.now)
            return [found[code] for code in codes]

        return DataLoader(load)

    @cached_property
    def last_heard(self) -> DataLoader[str, datetime | None]:
        async def load(codes: list[str]) -> list[datetime | None]:
            async with self.transaction() as session:
                return await last_heard.of(session, codes)

        return DataLoader(load)

    @cached_property
    def routes(self) -> DataLoader[UUID, Route | None]:
        async def load(ids: list[UUID]) -> list[Route | None]:
            async with self.transaction() as session:
                return await route.by_ids(session, ids, self.now)

        return DataLoader(load)

    @cached_property
    def releases(self) -> DataLoader[UUID, list[ListedRelease]]:
        async def load(ids: list[UUID]) -> list[list[ListedRelease]]:
            async with self.transaction() as session:
                return await release_list.of_routes(session, ids)

        return DataLoader(load)

    @cached_property
    def return_routes(self) -> DataLoader[UUID, list[Route]]:
        async def load(ids: list[UUID]) -> list[list[Route]]:
            async with self.transaction() as session:
                return await finding.return_routes(session, ids, self.now)

        return DataLoader(load)

    @cached_property
    def route_pages(self) -> DataLoader[RoutePageKey, list[Route]]:
        async def load(pages: list[RoutePageKey]) -> list[list[Route]]:
            async with self.transaction() as session:
                return [
                    await finding.page(session, page.where, after=page.after, first=page.first, now=self.now)
                    for page in pages
                ]

        return DataLoader(load)

    @cached_property
    def terminals(self) -> DataLoader[str, Terminal | None]:
        async def load(codes: list[str]) -> list[Terminal | None]:
            async with self.transaction() as session:
                return await terminals.by_codes(session, codes)

        return DataLoader(load)

    @cached_property
    def statistics(self) -> DataLoader[Question, Any]:
        async def load(questions: list[Question]) -> list[Any]:
            async with self.transaction() as session:
                return await statistics.read(session, questions, self.now)

        return DataLoader(load)

    @cached_property
    def registrants(self) -> DataLoader[UUID, View | None]:
        async def load(ids: list[UUID]) -> Sequence[View | None]:
            async with self.transaction() as session:
                return await lookup.by_ids(session, self.process.vault, self.reader, ids, everyone=self.everyone)

        return DataLoader(load)

    @cached_property
    def returns(self) -> DataLoader[UUID, View | None]:
        async def load(ids: list[UUID]) -> Sequence[View | None]:
            async with self.transaction() as session:
                return await lookup.returns_of(session, self.process.vault, self.reader, ids, everyone=self.everyone)

        return DataLoader(load)

    @cached_property
    def infants_alone(self) -> DataLoader[Leaver, list[UUID]]:
        async def load(asked: list[Leaver]) -> list[list[UUID]]:
            async with self.transaction() as session:
                return await lap_infants.alone(session, asked)

        return DataLoader(load)

    @cached_property
    def histories(self) -> DataLoader[UUID, list[feed.RegistrantChange]]:
        async def load(ids: list[UUID]) -> Sequence[list[feed.RegistrantChange]]:
            async with self.transaction() as session:
                return await feed.histories(session, ids)

        return DataLoader(load)

    @cached_property
    def deliveries(self) -> DataLoader[DeliveryPageKey, list[Delivery]]:
        async def load(pages: list[DeliveryPageKey]) -> list[list[Delivery]]:
            async with self.transaction() as session:
                return [
                    await deliveries.page(session, page.webhook_id, page.state, after=page.after, first=page.first)
                    for page in pages
                ]

        return DataLoader(load)


Info = strawberry.Info[Context, None]
