"""`GET /metrics` for Prometheus: what every process of this server counted, and what waits in the database.

Clients with `dashboard:read` may read it; Prometheus fetches their tokens by itself. So may whoever holds the token of
the setting `metrics_token`. That token works while the database is away, which knows the clients; then
`pemudik_database_up` is 0.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hmac import compare_digest

import asyncpg
import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from pydantic import SecretStr
from starlette.responses import Response
from starlette.routing import Route

from app.auth.bearer import Principal
from app.auth.callers import Callers, Header
from app.auth.sessions import Credential
from app.changes.log import backlog
from app.changes.log.backlog import FigureReading
from app.config import Settings
from app.db import Database
from app.errors import Unavailable
from app.intake.http import AdmittedRequest, RestDoor, route
from app.metrics import page
from app.registry.caller import Caller
from app.registry.clients.scopes import DASHBOARD_READ
from app.registry.terms.policy import HUBDAT

PATH = "/metrics"
DATABASE_WITHIN_SECONDS = 3.0
"""Without an answer of the database after this time, the page is sent without what waits there."""

SCRAPER = Principal(Caller(None, HUBDAT), frozenset({DASHBOARD_READ}), datetime.max.replace(tzinfo=UTC))

logger = structlog.get_logger(__name__)


def routes(database: Database, callers: Callers, settings: Settings) -> list[Route]:
    async def answer(asked: AdmittedRequest) -> Response:
        readings = await read(database, asked.now)
        # In a thread: it is some milliseconds of work, for which other requests would wait.
        content, media = await asyncio.to_thread(
            page.render,
            asked.request.headers.get("accept", ""),
            settings.prometheus_multiproc_dir,
            list(families(readings)),
        )
        return Response(content, headers={"Content-Type": media})

    door = RestDoor(Scrapers(callers, settings.metrics_token), "metrics", answer, scopes=[DASHBOARD_READ], method="GET")
    return [route(PATH, door)]


class Scrapers:
    """Knows the clients, and whoever holds the token of the setting."""

    def __init__(self, callers: Callers, token: SecretStr | None) -> None:
        self._callers = callers
        self._header = None if token is None else f"Bearer {token.get_secret_value()}".encode()

    def credential(self, method: str, header: Header) -> Credential:
        return self._callers.credential(method, header)

    async def authenticate(self, credential: Credential) -> Principal:
        """Raises `Unauthorized`, `Unavailable`."""
        authorization = credential if isinstance(credential, str) else ""
        if self._header is not None and compare_digest(authorization.encode(), self._header):
            return SCRAPER
        return await self._callers.authenticate(credential)


async def read(database: Database, now: datetime) -> list[FigureReading] | None:
    """None: the database does not answer."""
    try:
        async with asyncio.timeout(DATABASE_WITHIN_SECONDS), database.transaction() as session:
            return await backlog.read(session, now)
    except (Unavailable, TimeoutError):
        return None
    except asyncpg.PostgresError:
        logger.exception("backlog unreadable")
        return None


def families(readings: Iterable[FigureReading] | None) -> Iterator[Metric]:
    yield GaugeMetricFamily("pemudik_database_up", "Whether the database answers.", int(readings is not None))
    for reading in readings or ():
        figure = reading.figure
        family = GaugeMetricFamily(figure.name, figure.description, labels=[figure.label] if figure.label else [])
        for label, value in reading.values.items():
            family.add_metric([] if label is None else [label], value)
        yield family
