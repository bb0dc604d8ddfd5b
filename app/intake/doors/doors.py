"""Every REST address of the registry, as a table of contents."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from starlette.routing import Route

from app.auth.callers import Callers
from app.config import Settings
from app.errors import Refusal, refused_by
from app.intake.doors import consolidation, export, figures, legacy, metrics_page, webhook
from app.intake.files import template
from app.intake.imports import imports, results
from app.process import Process
from app.registry.imports import absentees, jobs
from app.registry.niks import check
from app.registry.rows import consolidation as days
from app.registry.rows import reception

REFUSED: Mapping[str, Collection[type[Refusal]]] = MappingProxyType(
    {
        f"POST {imports.PATH}": refused_by(jobs.create),
        f"GET {imports.PATH}/{{id}}": refused_by(imports.found),
        f"GET {imports.PATH}/{{id}}/result.{{format}}": refused_by(imports.found, results.response),
        f"POST {imports.PATH}/{{id}}/result.{{format}}": refused_by(imports.found, results.response),
        f"POST {imports.PATH}/{{id}}/cancel-missing": refused_by(imports.named, absentees.cancel),
        f"GET {consolidation.PATH}": refused_by(days.summary),
        f"GET {export.PATH}.{{format}}": refused_by(export.asked_for),
        f"POST {legacy.PATH}": refused_by(check.check),
    }
)
"""What a door answers in place of all that was asked for, with `http.status_of`."""
REFUSED_ROWS: Mapping[str, Collection[type[Refusal]]] = MappingProxyType(
    {f"POST {webhook.PATH}": refused_by(reception.push), f"POST {imports.PATH}": refused_by(reception.push)}
)
"""What a door says of a single row, as `ditolak`; the rows beside it are taken in."""


def routes(process: Process, callers: Callers, settings: Settings) -> list[Route]:
    return [
        *webhook.routes(process, callers, settings),
        *legacy.routes(process, callers, settings),
        *imports.routes(process, callers, settings),
        *consolidation.routes(process, callers, settings),
        *export.routes(process, callers),
        *template.routes(),
        *figures.routes(process.shelf),
        *metrics_page.routes(process.database, callers, settings),
    ]
