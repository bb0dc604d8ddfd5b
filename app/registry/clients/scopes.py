"""The scopes: what a client may do, and which of them only the registry's own operator may hold."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from app.errors import InvalidValue, NotYours, refuses
from app.registry.caller import Caller
from app.registry.terms.policy import HUBDAT

NIK_CHECK = "nik:check"
REGISTRANTS_WRITE = "registrants:write"
REGISTRANTS_READ = "registrants:read"
ROUTES_WRITE = "routes:write"
POSKO_ACT = "posko:act"
DASHBOARD_READ = "dashboard:read"
HUBDAT_ADMIN = "hubdat:admin"
FEDERATION_READ = "federation:read"
CLIENTS_WRITE = "clients:write"

SCOPES = MappingProxyType(
    {
        NIK_CHECK: "Check NIKs.",
        REGISTRANTS_WRITE: "Submit, move, correct and cancel one's own organizer's registrants; import.",
        REGISTRANTS_READ: "Read one's own organizer's registrants, in full.",
        ROUTES_WRITE: "Declare one's own terminals, routes and quotas.",
        POSKO_ACT: "Find one registrant or booking of one's own organizer by code, NIK or id, verify and depart it.",
        DASHBOARD_READ: "Read statistics, and every organizer's registrants with masked NIKs.",
        HUBDAT_ADMIN: "Organizers, clients, windows, policies, blocks, cases, access log, erasure.",
        FEDERATION_READ: "Read the schema, as a gateway does: introspection and `_service`.",
        CLIENTS_WRITE: "Issue, rotate and revoke one's own organizer's clients, within one's own scopes.",
    }
)
OWN_REGISTRANTS = frozenset({REGISTRANTS_READ, REGISTRANTS_WRITE, POSKO_ACT})
"""A client with one of these may see its own organizer's registrants."""
ONLY_HUBDAT = frozenset({DASHBOARD_READ, HUBDAT_ADMIN})
"""Only a client of the registry's own operator may hold these."""


@refuses(InvalidValue)
def for_client_of(organizer: str, scopes: Sequence[str]) -> tuple[str, ...] | InvalidValue:
    """The scopes of a new client of `organizer`, each once, in the order of `SCOPES`."""
    if not scopes:
        return InvalidValue("scopes", "Sebutkan sedikitnya satu scope.", "Name at least one scope.")
    if not set(scopes) <= SCOPES.keys():
        known = ", ".join(SCOPES)
        return InvalidValue("scopes", f"Izin (scope) yang ada: {known}.", f"The scopes are: {known}.")
    reserved = ", ".join(scope for scope in SCOPES if scope in ONLY_HUBDAT.intersection(scopes))
    if reserved and organizer != HUBDAT:
        return InvalidValue(
            "scopes", f"Hanya untuk klien hubdat: {reserved}.", f"Only for clients of hubdat: {reserved}."
        )
    return tuple(scope for scope in SCOPES if scope in scopes)


@refuses(NotYours, InvalidValue)
def within(
    own: frozenset[str] | None, caller: Caller, organizer: str, scopes: Sequence[str]
) -> NotYours | InvalidValue | None:
    """Whether the caller may make or change a client of `organizer` with `scopes`. `own`: the caller's; None: Hubdat.

    Nobody hands on what is not its own, and nobody but Hubdat gives a client the power over clients.
    """
    if own is None:
        return None
    if organizer != caller.organizer:
        return NotYours("organizer")
    beyond = ", ".join(scope for scope in scopes if scope not in own - {CLIENTS_WRITE})
    if beyond:
        return InvalidValue(
            "scopes",
            f"Di luar izin Anda: {beyond}. Minta kepada Ditjen Hubdat.",
            f"Beyond your own scopes: {beyond}. Ask Ditjen Hubdat.",
        )
    return None
