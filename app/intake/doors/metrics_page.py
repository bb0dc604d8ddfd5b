"""`GET /metrics` for Prometheus: what every process of this server counted, and what waits in the database.

Open to clients with `dashboard:read` (Prometheus asks for their tokens by itself), and to who holds the token that the
setting names: that one works while the database, which knows the clients, is away. Then `pemudik_database_up` is 0.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hmac import compare_digest

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response
from starlette.routing import Route

from app.auth.bearer import Bearer, Principal
from app.changes.log import backlog
from app.changes.log.backlog import FigureReading
from app.config import Settings
from app.db import Database
from app.errors import Unavailable
from app.intake.http import AdmittedRequest, RestDoor, route
from app.metrics import page
from app.registry.caller import Caller
from app.registry.terms.policy import HUBDAT

PATH = "/metrics"
DASHBOARD_READ = "dashboard:read"
DATABASE_WITHIN = 3.0
"""Seconds."""

SCRAPER = Principal(Caller(None, HUBDAT), frozenset({DASHBOARD_READ}), datetime.max.replace(tzinfo=UTC))

log = structlog.get_logger(__name__)


def routes(database: Database, bearer: Bearer, settings: Settings) -> list[Route]:
    async def answer(asked: AdmittedRequest) -> Response:
        readings = await read(database, asked.now)
        # Not between two requests: it is some milliseconds of work.
        content, media = await asyncio.to_thread(
            page.render,
            asked.request.headers.get("accept", ""),
            settings.prometheus_multiproc_dir,
            list(families(readings)),
        )
        return Response(content, headers={"Content-Type": media})

    door = RestDoor(Scrapers(bearer, settings.metrics_token), "metrics", answer, scopes=[DASHBOARD_READ], method="GET")
    return [route(PATH, door)]


class Scrapers:
    """Clients, and who holds the token that the setting names."""

    def __init__(self, bearer: Bearer, token: SecretStr | None) -> None:
        self._bearer = bearer
        self._header = None if token is None else f"Bearer {token.get_secret_value()}".encode()

    async def authenticate(self, authorization: str | None) -> Principal:
        """Raises `Unauthorized`, `Unavailable`."""
        if self._header is not None and compare_digest((authorization or "").encode(), self._header):
            return SCRAPER
        return await self._bearer.authenticate(authorization)


async def read(database: Database, now: datetime) -> list[FigureReading] | None:
    """None: the database does not answer."""
    try:
        async with asyncio.timeout(DATABASE_WITHIN), database.transaction() as session:
            return await backlog.read(session, now)
    except (Unavailable, TimeoutError):
        return None
    except SQLAlchemyError:
        log.exception("backlog unreadable")
        return None


def families(readings: Iterable[FigureReading] | None) -> Iterator[Metric]:
    yield GaugeMetricFamily("pemudik_database_up", "Whether the database answers.", int(readings is not None))
    for reading in readings or ():
        figure = reading.figure
        family = GaugeMetricFamily(figure.name, figure.description, labels=[figure.label] if figure.label else [])
        for label, value in reading.values.items():
            family.add_metric([] if label is None else [label], value)
        yield family
