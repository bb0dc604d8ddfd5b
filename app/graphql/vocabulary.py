"""The closed vocabularies of the registry as GraphQL enums, with what each member means."""

from __future__ import annotations

from enum import StrEnum

import strawberry

from app.graphql.internals import describe_members
from app.models.enums import (
    CaseState,
    DeliveryError,
    DeliveryState,
    Direction,
    DisabledBecause,
    IdentityDocument,
    ImportChanges,
    ImportMode,
    ImportState,
    IntegrationScheme,
    Mode,
    PlaceKind,
    Purpose,
    RegistrantFlag,
    RegistrantStatus,
    Service,
    WebhookEvent,
    WindowKind,
)

__all__ = [
    "AdminChangeKind",
    "CaseState",
    "ChangeKind",
    "DeliveryError",
    "DeliveryState",
    "Direction",
    "DisabledBecause",
    "IdentityDocument",
    "ImportChanges",
    "ImportMode",
    "ImportState",
    "IntegrationScheme",
    "Mode",
    "NikOutcome",
    "PlaceKind",
    "Purpose",
    "RegistrantFlag",
    "RegistrantStatus",
    "RowResult",
    "Service",
    "WebhookEvent",
    "WindowKind",
    "describe",
]


def describe(vocabulary: type[StrEnum], description: str, **members: str) -> None:
    """Make `vocabulary` a GraphQL enum. `members` holds the description of every member under its name."""
    strawberry.enum(vocabulary, description=description)
    describe_members(vocabulary, members)


class NikOutcome(StrEnum):
    """The registry's outcomes, and INVALID: what a check says of a text that cannot be a NIK."""

    AVAILABLE = "AVAILABLE"
    REGISTERED = "REGISTERED"
    BLOCKED = "BLOCKED"
    OUTBOUND_MISSING = "OUTBOUND_MISSING"
    UNDECIDED = "UNDECIDED"
    INVALID = "INVALID"


class RowResult(StrEnum):
    """The registry's results of rows (`app.registry.rows.verdicts`)."""

    NEW = "NEW"
    UPDATED = "UPDATED"
    UNCHANGED = "UNCHANGED"
    STALE = "STALE"
    REFUSED = "REFUSED"


class ChangeKind(StrEnum):
    """The kinds of changes in the log that concern one registrant."""

    REGISTRANT_MOVED = "REGISTRANT_MOVED"
    REGISTRANT_CORRECTED = "REGISTRANT_CORRECTED"
    REGISTRANT_REROUTED = "REGISTRANT_REROUTED"
    REGISTRANT_RESCHEDULED = "REGISTRANT_RESCHEDULED"
    REGISTRANT_ERASED = "REGISTRANT_ERASED"
    MOTORCYCLE_HANDED_OVER = "MOTORCYCLE_HANDED_OVER"
    DEADLINE_PROLONGED = "DEADLINE_PROLONGED"
    CASE_SETTLED = "CASE_SETTLED"
    CORRECTION_ASKED = "CORRECTION_ASKED"


class AdminChangeKind(StrEnum):
    """The kinds of changes in the log that people who run the registry make."""

    POLICY_SAVED = "POLICY_SAVED"
    ORGANIZER_SAVED = "ORGANIZER_SAVED"
    WINDOW_SAVED = "WINDOW_SAVED"
    WINDOW_WITHDRAWN = "WINDOW_WITHDRAWN"
    SEASON_SAVED = "SEASON_SAVED"
    CLIENT_ISSUED = "CLIENT_ISSUED"
    CLIENT_ROTATED = "CLIENT_ROTATED"
    CLIENT_REVOKED = "CLIENT_REVOKED"
    CLIENT_WEBHOOK_SECRET_ISSUED = "CLIENT_WEBHOOK_SECRET_ISSUED"  # noqa: S105 - what happened, no secret
    NIK_BLOCKED = "NIK_BLOCKED"
    NIK_BLOCK_LIFTED = "NIK_BLOCK_LIFTED"
    NIK_ALLOWANCE_SET = "NIK_ALLOWANCE_SET"
    NIK_ALLOWANCE_USED = "NIK_ALLOWANCE_USED"
    NIK_ALARM_RAISED = "NIK_ALARM_RAISED"
    SWEEP_HALTED = "SWEEP_HALTED"
    SWEEP_ALLOWED = "SWEEP_ALLOWED"
    CASE_DECIDED = "CASE_DECIDED"
    QUOTA_RELEASED = "QUOTA_RELEASED"
    QUOTA_RELEASE_CANCELLED = "QUOTA_RELEASE_CANCELLED"
    STAFF_ADDED = "STAFF_ADDED"
    STAFF_REMOVED = "STAFF_REMOVED"


describe(
    AdminChangeKind,
    "What somebody who runs the registry, or a route, changed.",
    POLICY_SAVED="What an organizer decides for itself in a season.",
    ORGANIZER_SAVED="An organizer: new, or its name, coordinator or schemes.",
    WINDOW_SAVED="A wave was added or amended.",
    WINDOW_WITHDRAWN="A wave was withdrawn before it began.",
    SEASON_SAVED="A season: opened, its end moved, or closed.",
    CLIENT_ISSUED="A client was made.",
    CLIENT_ROTATED="A client got a new secret.",
    CLIENT_REVOKED="A client was ended.",
    CLIENT_WEBHOOK_SECRET_ISSUED="A client got, or lost, the secret that signs its webhooks.",  # noqa: S106
    NIK_BLOCKED="A NIK was blocked by Hubdat. Blocks of forfeited NIKs are not told here.",
    NIK_BLOCK_LIFTED="The blocks of a NIK were lifted; `subject` is the longest.",
    NIK_ALLOWANCE_SET="Hubdat gave an organizer another allowance of NIKs a day, or the one by its holders again.",
    NIK_ALLOWANCE_USED=(
        "An organizer's allowance of today is used by 50, 80 or 100 %; 200: it is shut out. The registry tells this."
    ),
    NIK_ALARM_RAISED="An organizer seems to walk through NIKs: see `subject`. The registry tells this itself.",
    SWEEP_HALTED="Too many people of an organizer (`subject`) would end at once, and wait. The registry tells this.",
    SWEEP_ALLOWED="Hubdat gave its word that people who were due are ended.",
    DEADLINE_NEARS="The deadline of a registrant comes within 48 or 24 hours, and a webhook is to be told.",
    CASE_DECIDED="A duplicate case was decided, or has closed by itself.",
    QUOTA_RELEASED="Seats were added to a route, or taken off.",
    QUOTA_RELEASE_CANCELLED="Seats that were to come will not come.",
    STAFF_ADDED="Somebody may sign in to the pages; `subject` is the name in this log.",
    STAFF_REMOVED="Somebody may not sign in any more; `subject` is the name in this log.",
)
describe(
    Direction,
    "`tipe_keberangkatan` of the standard (Kemenhub integration scheme, March 2024).",
    MUDIK="Arus mudik: the trip home.",
    BALIK="Arus balik: the trip back.",
)
describe(
    Service,
    "What travels. A person may hold one of each, also with different organizers.",
    PASSENGER="A seat.",
    MOTORCYCLE="A motorcycle that is carried; its rider travels otherwise.",
)
describe(
    Mode,
    "What a route is travelled with.",
    BUS="By bus.",
    TRAIN="By train.",
    SHIP="By ship.",
    TRUCK="By truck: motorcycles.",
)
describe(
    RegistrantStatus,
    (
        "Where a registrant stands. 1 to 3 are `status_pemesanan_code` of the standard (Kemenhub integration scheme,"
        " March 2024); 4 to 6 extend it. REGISTERED, VERIFIED and DEPARTED hold the NIK and the seat."
    ),
    REGISTERED="1, Terdaftar. May be verified, cancelled, or forfeited at its deadline.",
    VERIFIED="2, Terverifikasi pendaftaran. May depart, be cancelled, or become a no-show.",
    DEPARTED="3, Terverifikasi keberangkatan. Final.",
    FORFEITED="4, gugur: not verified by `verifyBy`. The seat is free again, the NIK is blocked (terms of 2023 §5).",
    CANCELLED="5, batal: by the organizer, with a reason. Seat and NIK are free again.",
    NO_SHOW="6, tidak hadir: verified, and not aboard when the route had left. The NIK stays held.",
)
describe(
    RegistrantFlag,
    "What was accepted and is worth a second look.",
    OUTSIDE_WINDOW="Registered outside every window of its organizer, whose policy flags that.",
    ARRIVED_LATE="Arrived more than `lateArrivalDays` after its window had closed.",
    VERIFIED_EARLY="Verified before its organizer's verification period began.",
    VERIFIED_LATE="Verified after `verifyBy`, where that does not forfeit.",
    TOLD_LATE="Verified or departed in time, as a posko told within six hours, when that time was over.",
    HANDED_OVER_ON_ANOTHER_DAY="Its motorcycle was not handed over on the day before departure (terms of 2023 §6).",
)
describe(
    IdentityDocument,
    "Which identity document was shown at registration (terms of 2023 §1). The type only, never an image or a number.",
    KTP="Kartu Tanda Penduduk: identity card.",
    SIM="Surat Izin Mengemudi: driving licence.",
    KK="Kartu Keluarga: family card.",
    KIA="Kartu Identitas Anak: a child's identity card.",
)
describe(
    IntegrationScheme,
    "How an organizer exchanges data with the registry (Kemenhub integration scheme, March 2024).",
    GRAPHQL="Through this API.",
    WEBHOOK="Posts the 12-column record for every registrant.",
    EXCEL="Uploads the 12-column Excel file.",
    NIK_CHECK="Checks NIKs before it registers.",
    DAILY_CONSOLIDATION="Reconciles its whole list once a day.",
)
describe(
    PlaceKind,
    "What kind of place a terminal is.",
    TERMINAL="Bus terminal.",
    STATION="Railway station.",
    PORT="Sea port.",
    MEETING_POINT="Any other place where people gather, such as Monas.",
)
describe(
    WindowKind,
    "What a window opens.",
    REGISTRATION="Registration; there may be several waves.",
    VERIFICATION="Verification at a posko.",
)
describe(
    CaseState,
    "How far a duplicate case is.",
    OPEN="Not decided.",
    CONFIRMED="Hubdat decided: one person registered more than once.",
    NOT_DUPLICATE="Hubdat decided: not one person, but a typing error in a NIK; `mistypedBy` is asked to correct it.",
    CLOSED="Closed by itself: the holder has gone, so nothing is left to decide.",
)
describe(
    Purpose,
    "Why somebody named a NIK.",
    CHECK="A NIK check.",
    SUBMISSION="A registration was submitted, by whichever door.",
    CORRECTION="A registrant was to get this NIK.",
    REOPENING="A registrant with this NIK was to stand again.",
    DRY_RUN="A file was judged, to change nothing.",
    LOOKUP="A registrant was looked up by NIK, or something was done to the registrant that a NIK named.",
    EXPORT="Everything held on the NIK was exported (UU 27/2022 art. 7).",
    ACCESS_LOG="This access log itself was read.",
    READ="The person was in a list, a file or a stream that was read, or may have been: see `what`.",
)
describe(
    NikOutcome,
    "The answer to a NIK check.",
    AVAILABLE="Nothing stands against a registration in a direction and service that was asked for.",
    REGISTERED="A registration holds this NIK in a direction and service that was asked for; see `standing`.",
    BLOCKED="The NIK is blocked; see `block`.",
    OUTBOUND_MISSING=(
        "A BALIK registration needs a MUDIK one of yours, by your policy of the same day. Submit that first, or both in"
        " one call with `returnRouteId` (terms of 2023 §3)."
    ),
    UNDECIDED=(
        "Your organizer's allowance of NIKs for today is used up (see `Organizer.nikAllowance`), so nothing is told of"
        " a NIK that you do not hold. Submit the registration: it is decided then."
    ),
    INVALID="What was sent cannot be a NIK; see `problem`.",
)
describe(
    ChangeKind,
    "What happened to a registrant.",
    REGISTRANT_MOVED="It arrived, or its status changed: see `from` and `to`.",
    REGISTRANT_CORRECTED="What was written wrongly was put right (UU 27/2022 art. 6).",
    REGISTRANT_REROUTED="It was moved to another route, or two routes turned out to be one.",
    CASE_SETTLED="The case of its NIK was decided, or has closed by itself; see `cases`.",
    CORRECTION_ASKED="Hubdat asks you to correct its NIK, which you mistyped; see `cases(correctionAsked: true)`.",
    REGISTRANT_RESCHEDULED="Its route departs at another time; see `registrant.route.departsAt`.",
    REGISTRANT_ERASED="NIK, name, booking code and papers were erased (UU 27/2022 art. 8, 43).",
    MOTORCYCLE_HANDED_OVER="Its motorcycle was handed over (terms of 2023 §6).",
    DEADLINE_PROLONGED="Its `verifyBy` moved: the registry was away, or the verification period ends later.",
)
describe(
    ImportMode,
    "What a file is.",
    UPSERT="Some registrants: each row is taken in, nothing else is looked at.",
    SNAPSHOT="The whole list of a season or a day: whoever is in the registry and not in it is reported as missing.",
)
describe(
    ImportChanges,
    "What becomes of somebody who is known, and of whom a row tells something else than is stored.",
    REPORT="Nothing: the row says what differs, column by column.",
    APPLY="The person is moved to the row's route and corrected, all of it or nothing; what is not allowed is refused.",
)
describe(
    ImportState,
    "How far an import is.",
    QUEUED="It waits for a server, or for another file of yours.",
    RUNNING="It is worked off; if its server ends, another one goes on with it.",
    DONE="Every row has a verdict.",
    FAILED="It ended before its end; see `failure`.",
)
describe(
    RowResult,
    "What became of a row of a file.",
    NEW="Its person was registered: `diterima`.",
    UPDATED="A known person has moved on: `diperbarui`.",
    UNCHANGED="The registry has it so already: `tidak_berubah`.",
    STALE="It is older than what the registry has: `usang`.",
    REFUSED="It was refused: `ditolak`.",
)
describe(
    WebhookEvent,
    "What a webhook is told of; its value in a payload's `type` is `registrant.forfeited` and so on.",
    REGISTRANT_VERIFIED="`data`: organizer, season, registrantId, routeId.",
    REGISTRANT_DEPARTED="`data`: organizer, season, registrantId, routeId.",
    REGISTRANT_CANCELLED="`data`: organizer, season, registrantId, routeId.",
    REGISTRANT_FORFEITED="`data`: organizer, season, registrantId, routeId.",
    REGISTRANT_NO_SHOW="`data`: organizer, season, registrantId, routeId.",
    REGISTRANT_REOPENED=(
        "Its end was taken back, by Hubdat or because its departure time was put right. `data`: organizer, season,"
        " registrantId, routeId, from, to."
    ),
    REGISTRANT_REROUTED=(
        "A registrant was moved to another route. `data`: organizer, season, registrantId, routeId, fromRouteId."
    ),
    DEADLINE_IN_48_HOURS=(
        "A registrant is to be verified within 48 hours. Once for a deadline, and once for a trip; dropped when it is"
        " verified before this is sent. `data`: organizer, season, registrantId, routeId, verifyBy."
    ),
    DEADLINE_IN_24_HOURS="The same of 24 hours.",
    NIK_BLOCKED=(
        "Of a forfeiture. `data`: organizer, season, registrantId, untilSeason. Of a block by hand, to Hubdat alone:"
        " organizer (hubdat), season, blockId, untilSeason."
    ),
    NIK_BLOCK_LIFTED=(
        "The block that a registrant's forfeiture brought was lifted. `data`: organizer, season, registrantId. To"
        " Hubdat of each appeal: organizer (hubdat), season, blockId."
    ),
    ROUTE_RESCHEDULED=(
        "A route that has holders departs at another time. `data`: organizer (of the holders), season, routeId,"
        " departsAt, previousDepartsAt, registrants (how many they are)."
    ),
    DUPLICATE_FOUND=(
        "Somebody else brought the NIK of your registrant, and was refused. `data`: organizer, season, registrantId,"
        " caseId, claimant, refused. Hubdat's webhooks also hear of what its names alone make suspect (refused: false)."
    ),
    QUOTA_FILLED="The last seat is taken. `data`: organizer, season, routeId.",
    QUOTA_RETURNED="Seats are free again. `data`: organizer, season, routeId, seats.",
    WINDOW_AMENDED="A wave takes the place of another. `data`: organizer, season, kind, opensAt, closesAt, amends.",
    WINDOW_WITHDRAWN=(
        "A wave was withdrawn before it began. `data`: organizer, season, windowId, kind, opensAt, closesAt."
    ),
    IMPORT_FINISHED="`data`: organizer, season, jobId, state, mode, dryRun, rows, results, codes, missing, error.",
    NIK_ALLOWANCE_USED=(
        "Your allowance of NIKs of today is used by 50, 80 or 100 %; at 200 as many refusals came again, and your"
        " submissions are 503 until midnight (WIB). Hubdat hears it of every organizer. `data`: organizer, percent,"
        " perDay, used."
    ),
    NIK_ALARM_RAISED=(
        "To Hubdat alone: an organizer seems to walk through NIKs. `data`: organizer (hubdat), suspected, sign, niks."
    ),
    SWEEP_HALTED=(
        "To Hubdat alone: the registry would end too many people of an organizer at once, and waits for `allowSweep`."
        " `data`: organizer (hubdat), halted, ends, people, holders, until."
    ),
    CASE_DECIDED=(
        "To the holder and to those who brought the NIK and were refused. `data`: organizer (the holder), season,"
        " caseId, state, mistypedBy (of NOT_DUPLICATE: this organizer is asked to correct its NIK)."
    ),
    CORRECTION_ASKED=(
        "In the place of CASE_DECIDED, if it is chosen: Hubdat asks you to correct a NIK that you mistyped. `data` as"
        " there."
    ),
    WEBHOOK_TEST="Sent by `testWebhook`, once. `data` is empty.",
)
describe(
    DeliveryState,
    "How far a delivery is.",
    PENDING="It is to be sent, or to be tried again.",
    DELIVERED="It was answered with 200 to 299.",
    FAILED="Every attempt failed, or the webhook was disabled before. `redeliverWebhook` sends it again.",
)
describe(
    DeliveryError,
    "Why an attempt got no status.",
    URL_REFUSED="The URL is one that may not be saved any more.",
    NAME_NOT_FOUND="Its name has no address, or not only public ones; nothing was sent.",
    ADDRESS_REFUSED="What version 0.2 said of a name with an address that is not public.",
    CONNECT_FAILED="Nobody listens there.",
    TLS_FAILED="No trusted certificate of that name.",
    TIMEOUT="No answer within 15 seconds, or no connection within 5.",
    BROKEN_ANSWER="The connection broke off, or what came is not HTTP.",
)
describe(
    DisabledBecause,
    "Why nothing is sent to a webhook.",
    GONE="Its receiver answered 410.",
    FAILING="Nothing arrived for five days.",
)
