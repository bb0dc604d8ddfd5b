"""Every door beside GraphQL, as a table of contents."""

from __future__ import annotations

from starlette.routing import Route

from app.auth.bearer import Bearer
from app.config import Settings
from app.intake.doors import consolidation, export, legacy, metrics_page, webhook
from app.intake.files import template
from app.intake.imports import imports
from app.process import Registry


def routes(registry: Registry, bearer: Bearer, settings: Settings) -> list[Route]:
    return [
        *webhook.routes(registry, bearer, settings),
        *legacy.routes(registry, bearer, settings),
        *imports.routes(registry, bearer, settings),
        *consolidation.routes(registry, bearer),
        *export.routes(registry, bearer),
        *template.routes(),
        *metrics_page.routes(registry.database, bearer, settings),
    ]
