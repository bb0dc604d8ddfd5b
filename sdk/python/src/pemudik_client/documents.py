"""What the registry is asked, by root field. sdk/php and sdk/js ask the same; a test compares them."""

from __future__ import annotations

STANDING = "organizer { code name } direction service status registeredOn own"
PROBLEM = f"code message field standing {{ {STANDING} }} allowed retryAfter"
WARNING = "code message"
REGISTRANT = "id reference direction service status registeredAt verifyBy route { id name departsAt }"
ROUTE = "id name direction service departsAt quota remaining origin { name city } destination { name city }"
SUBMISSION = f"replayed registrant {{ {REGISTRANT} }} return {{ {REGISTRANT} }} warnings {{ {WARNING} }}"
CHECK = (
    f"outcome available message standing {{ {STANDING} }} block {{ reason untilSeason }} outboundStands"
    f" warnings {{ {WARNING} }} claims {{ direction service outcome available message }} problem {{ {PROBLEM} }}"
)
HOLD = "id seats endsAt"
OR_PROBLEM = f"... on Problem {{ {PROBLEM} }}"
A_REGISTRANT = f"{{ ... on Registrant {{ {REGISTRANT} }} {OR_PROBLEM} }}"
A_HOLD = f"{{ ... on SeatHold {{ {HOLD} }} {OR_PROBLEM} }}"
A_SUBMISSION = f"{{ ... on Submission {{ {SUBMISSION} }} {OR_PROBLEM} }}"
A_PERSON = f"registrants {{ {REGISTRANT} }} problem {{ {PROBLEM} }}"
VERDICTS = f"{{ ... on BookingVerdicts {{ people {{ {A_PERSON} }} }} {OR_PROBLEM} }}"
A_BOOKING = (
    f"{{ ... on SubmittedBooking {{ booking {{ reference people lapInfants }} submissions {{ {SUBMISSION} }} }}"
    f" ... on RefusedBooking {{ problems {{ {PROBLEM} }} }} {OR_PROBLEM} }}"
)
PAGE = "pageInfo { hasNextPage endCursor }"
FIELDS = "@fields@"
"""Where a caller says which fields of a registrant it wants."""

QUERIES = {
    "checkNik": "query checkNik($nik: NIK!, $direction: Direction, $service: Service)"
    f" {{ checkNik(nik: $nik, direction: $direction, service: $service) {{ {CHECK} }} }}",
    "checkNiks": "query checkNiks($niks: [NIK!]!, $direction: Direction, $service: Service)"
    f" {{ checkNiks(niks: $niks, direction: $direction, service: $service) {{ {CHECK} }} }}",
    "routes": "query routes($where: RouteFilter, $after: String)"
    f" {{ routes(where: $where, first: 200, after: $after) {{ nodes {{ {ROUTE} }} {PAGE} }} }}",
    "registrant": "query registrant($ref: RegistrantRef!, $purpose: String)"
    f" {{ registrant(ref: $ref, purpose: $purpose) {{ {FIELDS} }} }}",
    "registrants": "query registrants($where: RegistrantFilter, $after: String)"
    f" {{ registrants(where: $where, first: 200, after: $after) {{ nodes {{ {FIELDS} }} {PAGE} }} }}",
    "booking": "query booking($reference: String!, $organizer: ID)"
    " { booking(reference: $reference, organizer: $organizer)"
    f" {{ reference people lapInfants registrants {{ {FIELDS} }} }} }}",
    "changes": "query changes($after: String) { changes(first: 200, after: $after)"
    f" {{ nodes {{ cursor at kind from to reason registrant {{ {FIELDS} }} }} {PAGE} }} }}",
    "endOfChanges": "query endOfChanges { endOfChanges }",
}

MUTATIONS = {
    "holdSeats": "mutation holdSeats($routeId: ID!, $seats: Int! = 1, $minutes: Int! = 15)"
    f" {{ holdSeats(routeId: $routeId, seats: $seats, minutes: $minutes) {A_HOLD} }}",
    "giveBackSeats": f"mutation giveBackSeats($hold: ID!) {{ giveBackSeats(hold: $hold) {A_HOLD} }}",
    "submitRegistrant": "mutation submitRegistrant($input: SubmitRegistrant!)"
    f" {{ submitRegistrant(input: $input) {A_SUBMISSION} }}",
    "submitRegistrants": "mutation submitRegistrants($inputs: [SubmitRegistrant!]!)"
    f" {{ submitRegistrants(inputs: $inputs) {A_SUBMISSION} }}",
    "submitBooking": f"mutation submitBooking($input: SubmitBooking!) {{ submitBooking(input: $input) {A_BOOKING} }}",
    "verifyRegistrant": "mutation verifyRegistrant($ref: RegistrantRef!, $posko: String, $at: DateTime)"
    f" {{ verifyRegistrant(ref: $ref, posko: $posko, at: $at) {A_REGISTRANT} }}",
    "departRegistrant": "mutation departRegistrant($ref: RegistrantRef!, $healthy: Boolean!, $at: DateTime)"
    f" {{ departRegistrant(ref: $ref, healthy: $healthy, at: $at) {A_REGISTRANT} }}",
    "cancelRegistrant": "mutation cancelRegistrant($ref: RegistrantRef!, $reason: String!)"
    f" {{ cancelRegistrant(ref: $ref, reason: $reason) {A_REGISTRANT} }}",
    "verifyBooking": "mutation verifyBooking($reference: String!, $posko: String, $at: DateTime, $organizer: ID)"
    f" {{ verifyBooking(reference: $reference, posko: $posko, at: $at, organizer: $organizer) {VERDICTS} }}",
    "departBooking": "mutation departBooking($reference: String!, $healthy: Boolean!, $at: DateTime,"
    " $direction: Direction! = MUDIK, $service: Service! = PASSENGER, $organizer: ID)"
    " { departBooking(reference: $reference, healthy: $healthy, at: $at, direction: $direction, service: $service,"
    f" organizer: $organizer) {VERDICTS} }}",
    "cancelBooking": "mutation cancelBooking($reference: String!, $reason: String!, $organizer: ID)"
    f" {{ cancelBooking(reference: $reference, reason: $reason, organizer: $organizer) {VERDICTS} }}",
    "correctRegistrant": "mutation correctRegistrant($ref: RegistrantRef!, $input: Correction!)"
    f" {{ correctRegistrant(ref: $ref, input: $input) {A_REGISTRANT} }}",
}
