"""All of it."""

from __future__ import annotations

from tests.hostile import documents, files, live, pages, plain, values

COLLECTION = (
    *documents.DOCUMENTS,
    *values.VALUES,
    *live.EVENTS,
    *live.SOCKETS,
    *plain.ROWS,
    *plain.NIKS,
    *plain.DAYS,
    *plain.TEST_CLIENTS,
    *plain.EXPORTS,
    *plain.FIGURES,
    *plain.TOKENS,
    *plain.DOCUMENTS,
    *pages.SHOWN,
    *pages.SIGNING,
    *files.FILES,
    *files.FORMS,
    *files.ORDERS,
)
