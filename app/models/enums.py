"""The closed vocabularies. Stored as text under a CHECK, so that a new member is one line and one migration."""

from enum import StrEnum


class Direction(StrEnum):
    MUDIK = "MUDIK"
    BALIK = "BALIK"


class Service(StrEnum):
    PASSENGER = "PASSENGER"
    MOTORCYCLE = "MOTORCYCLE"


class Mode(StrEnum):
    BUS = "BUS"
    TRAIN = "TRAIN"
    SHIP = "SHIP"
    TRUCK = "TRUCK"


class RegistrantStatus(StrEnum):
    REGISTERED = "REGISTERED"
    VERIFIED = "VERIFIED"
    DEPARTED = "DEPARTED"
    FORFEITED = "FORFEITED"
    CANCELLED = "CANCELLED"
    NO_SHOW = "NO_SHOW"


class RegistrantFlag(StrEnum):
    """What was accepted and is worth a second look."""

    OUTSIDE_WINDOW = "OUTSIDE_WINDOW"
    ARRIVED_LATE = "ARRIVED_LATE"
    VERIFIED_EARLY = "VERIFIED_EARLY"
    VERIFIED_LATE = "VERIFIED_LATE"
    TOLD_LATE = "TOLD_LATE"
    HANDED_OVER_ON_ANOTHER_DAY = "HANDED_OVER_ON_ANOTHER_DAY"


class IdentityDocument(StrEnum):
    KTP = "KTP"
    SIM = "SIM"
    KK = "KK"
    KIA = "KIA"


class IntegrationScheme(StrEnum):
    GRAPHQL = "GRAPHQL"
    WEBHOOK = "WEBHOOK"
    EXCEL = "EXCEL"
    NIK_CHECK = "NIK_CHECK"
    DAILY_CONSOLIDATION = "DAILY_CONSOLIDATION"


class PlaceKind(StrEnum):
    TERMINAL = "TERMINAL"
    STATION = "STATION"
    PORT = "PORT"
    MEETING_POINT = "MEETING_POINT"


class WindowKind(StrEnum):
    REGISTRATION = "REGISTRATION"
    VERIFICATION = "VERIFICATION"


class CaseState(StrEnum):
    OPEN = "OPEN"
    CONFIRMED = "CONFIRMED"
    NOT_DUPLICATE = "NOT_DUPLICATE"
    CLOSED = "CLOSED"
    """Closed by itself: the holder has gone, so nothing is left to decide."""


class NikOutcome(StrEnum):
    AVAILABLE = "AVAILABLE"
    REGISTERED = "REGISTERED"
    BLOCKED = "BLOCKED"
    OUTBOUND_MISSING = "OUTBOUND_MISSING"
    """For a return: the trip home that the return needs is not there."""
    UNDECIDED = "UNDECIDED"
    """The organizer's allowance of the day is used up: nothing is told of the NIK, and submitting will decide."""


class Purpose(StrEnum):
    """Why somebody named a NIK."""

    CHECK = "CHECK"
    SUBMISSION = "SUBMISSION"
    CORRECTION = "CORRECTION"
    REOPENING = "REOPENING"
    DRY_RUN = "DRY_RUN"
    LOOKUP = "LOOKUP"
    EXPORT = "EXPORT"
    ACCESS_LOG = "ACCESS_LOG"
    READ = "READ"
    """Read in a list, with others."""


class Log(StrEnum):
    """What is sealed."""

    CHANGES = "changes"
    ACCESS = "access"
    READS = "reads"


class ImportMode(StrEnum):
    UPSERT = "UPSERT"
    SNAPSHOT = "SNAPSHOT"


class ImportChanges(StrEnum):
    """What rows do to people who are known and differ from what is stored."""

    REPORT = "REPORT"
    APPLY = "APPLY"


class ImportState(StrEnum):
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"


class ChangeKind(StrEnum):
    """What a row of the change log tells of."""

    REGISTRANT_MOVED = "REGISTRANT_MOVED"
    REGISTRANT_CORRECTED = "REGISTRANT_CORRECTED"
    MOTORCYCLE_HANDED_OVER = "MOTORCYCLE_HANDED_OVER"
    DEADLINE_PROLONGED = "DEADLINE_PROLONGED"
    REGISTRANT_ERASED = "REGISTRANT_ERASED"
    REGISTRANT_REROUTED = "REGISTRANT_REROUTED"
    REGISTRANT_RESCHEDULED = "REGISTRANT_RESCHEDULED"
    DUPLICATE_REFUSED = "DUPLICATE_REFUSED"
    DUPLICATE_SUSPECTED = "DUPLICATE_SUSPECTED"
    CASE_DECIDED = "CASE_DECIDED"
    CASE_SETTLED = "CASE_SETTLED"
    CORRECTION_ASKED = "CORRECTION_ASKED"
    NIK_BLOCKED = "NIK_BLOCKED"
    NIK_BLOCK_LIFTED = "NIK_BLOCK_LIFTED"
    NIK_ALLOWANCE_SET = "NIK_ALLOWANCE_SET"
    NIK_ALLOWANCE_USED = "NIK_ALLOWANCE_USED"
    NIK_ALARM_RAISED = "NIK_ALARM_RAISED"
    SWEEP_HALTED = "SWEEP_HALTED"
    SWEEP_ALLOWED = "SWEEP_ALLOWED"
    DEADLINE_NEARS = "DEADLINE_NEARS"
    QUOTA_RELEASED = "QUOTA_RELEASED"
    QUOTA_RELEASE_CANCELLED = "QUOTA_RELEASE_CANCELLED"
    QUOTA_FILLED = "QUOTA_FILLED"
    QUOTA_RETURNED = "QUOTA_RETURNED"
    ROUTE_SAVED = "ROUTE_SAVED"
    ROUTE_RESCHEDULED = "ROUTE_RESCHEDULED"
    ROUTE_MERGED = "ROUTE_MERGED"
    TERMINAL_SAVED = "TERMINAL_SAVED"
    TERMINAL_MERGED = "TERMINAL_MERGED"
    ORGANIZER_SAVED = "ORGANIZER_SAVED"
    POLICY_SAVED = "POLICY_SAVED"
    WINDOW_SAVED = "WINDOW_SAVED"
    WINDOW_WITHDRAWN = "WINDOW_WITHDRAWN"
    SEASON_SAVED = "SEASON_SAVED"
    SEASON_PURGED = "SEASON_PURGED"
    CLIENT_ISSUED = "CLIENT_ISSUED"
    CLIENT_ROTATED = "CLIENT_ROTATED"
    CLIENT_REVOKED = "CLIENT_REVOKED"
    CLIENT_WEBHOOK_SECRET_ISSUED = "CLIENT_WEBHOOK_SECRET_ISSUED"  # noqa: S105 - what happened, no secret
    STAFF_ADDED = "STAFF_ADDED"
    STAFF_REMOVED = "STAFF_REMOVED"
    IMPORT_FINISHED = "IMPORT_FINISHED"
    WEBHOOK_SAVED = "WEBHOOK_SAVED"
    WEBHOOK_DELETED = "WEBHOOK_DELETED"
    WEBHOOK_DISABLED = "WEBHOOK_DISABLED"


class StaffRole(StrEnum):
    """What a person does here. What a role may do stands in `registry.clients.staff`."""

    OPERATOR = "operator"
    ORGANIZER = "organizer"
    POSKO = "posko"
    VIEWER = "viewer"


class WebhookEvent(StrEnum):
    """What an organizer's webhook is told of."""

    REGISTRANT_VERIFIED = "registrant.verified"
    REGISTRANT_DEPARTED = "registrant.departed"
    REGISTRANT_CANCELLED = "registrant.cancelled"
    REGISTRANT_FORFEITED = "registrant.forfeited"
    REGISTRANT_NO_SHOW = "registrant.no_show"
    REGISTRANT_REOPENED = "registrant.reopened"
    REGISTRANT_REROUTED = "registrant.rerouted"
    DEADLINE_IN_48_HOURS = "deadline.in_48_hours"
    DEADLINE_IN_24_HOURS = "deadline.in_24_hours"
    NIK_BLOCKED = "nik.blocked"
    NIK_BLOCK_LIFTED = "nik.block_lifted"
    ROUTE_RESCHEDULED = "route.rescheduled"
    DUPLICATE_FOUND = "duplicate.found"
    QUOTA_FILLED = "quota.filled"
    QUOTA_RETURNED = "quota.returned"
    WINDOW_AMENDED = "window.amended"
    WINDOW_WITHDRAWN = "window.withdrawn"
    IMPORT_FINISHED = "import.finished"
    CASE_DECIDED = "case.decided"
    CORRECTION_ASKED = "correction.asked"
    NIK_ALLOWANCE_USED = "nik.allowance_used"
    NIK_ALARM_RAISED = "nik.alarm_raised"
    SWEEP_HALTED = "sweep.halted"
    WEBHOOK_TEST = "webhook.test"


class ProlongationCause(StrEnum):
    OUTAGE = "OUTAGE"
    """The registry itself was away."""
    PERIOD = "PERIOD"
    """A verification period got a later end."""


class DeliveryState(StrEnum):
    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


class DeliveryError(StrEnum):
    """Why no answer came."""

    URL_REFUSED = "URL_REFUSED"
    NAME_NOT_FOUND = "NAME_NOT_FOUND"
    ADDRESS_REFUSED = "ADDRESS_REFUSED"
    CONNECT_FAILED = "CONNECT_FAILED"
    TLS_FAILED = "TLS_FAILED"
    TIMEOUT = "TIMEOUT"
    BROKEN_ANSWER = "BROKEN_ANSWER"


class DisabledBecause(StrEnum):
    GONE = "GONE"
    FAILING = "FAILING"
