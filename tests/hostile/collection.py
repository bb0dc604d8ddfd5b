"""All of it."""

from __future__ import annotations

from tests.hostile import documents, files, live, pages, plain, testing, values

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
    *testing.TEST_REGISTRY,
    *pages.SHOWN,
    *pages.SIGNING,
    *pages.PROVIDER,
    *files.FILES,
    *files.FORMS,
    *files.ORDERS,
)
