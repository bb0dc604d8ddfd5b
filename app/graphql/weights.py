"""What an object costs beside its values: to read it from the database, to open what is sealed, to load it by its key.

In units of cost, of 5 microseconds of CPU each. `make bench ARGS=costs` measures them, and fails when one is wrong. A
registrant takes 38 microseconds before any of its fields is selected, a route 60 to 80.
"""

from __future__ import annotations

from collections.abc import Mapping

OF_A_READ, OF_A_WRITE = 20, 300
"""What a root field costs beside its answer, unless `WEIGHTS` names it: it takes a transaction of its own. One
that reads takes 100 microseconds of CPU, one that writes 0.5 to 2.5 milliseconds: it locks, judges, writes and logs.
"""
WEIGHTS: Mapping[str, int] = {
    "Query.*": OF_A_READ,
    "Mutation.*": OF_A_WRITE,
    "Registrant": 10,
    "Change": 12,
    "Route": 12,
    "Case": 6,
    "NikBlock": 3,
    "NikCheck": 4,
    "Statistics": 600,
    "_Entity": 12,
    "_Service": 1_000,
    "Attention": 60,
    "SweepHalt": 2,
    "Query._service": 0,
    "Query.checkNik": 12,
    "Query.registrant": 80,
    "Query.organizer": 50,
    "Query.terminal": 50,
    "Query.importJob": 60,
    "Query.webhooks": 200,
    "Query.casePeople": 150,
    "Query.nikAccesses": 1_500,
    "Query.heldOnNik": 1_500,
    "Query.consolidation": 10_000,
    "Query.importRows": 15_000,
    "Mutation.submitRegistrant": 400,
    "Mutation.submitRegistrants": 400,
    "Mutation.submitBooking": 500,
    "Mutation.moveRegistrant": 400,
    "Mutation.moveRegistrants": 400,
    "Mutation.verifyBooking": 900,
    "Mutation.departBooking": 900,
    "Mutation.cancelBooking": 900,
    "Mutation.eraseRegistrant": 500,
    "Mutation.releaseQuotaDaily": 2_000,
    "Mutation.redeliverWebhook": 5_000,
    "Mutation.mergeRoute": 10_000,
    "Mutation.mergeTerminal": 10_000,
    "Mutation.reopenRegistrants": 15_000,
}
"""By the name of the type, or of a field that takes so much however little it answers; `Type.*` is every other field of
the type.

`importRows` looks through 20,000 rows where few fit. `reopenRegistrants` takes back the ends of 500 people. Up to 1,000
looks at a NIK are told. The schema that `_Service` answers has 70 kB, so an operation may ask for fewer than 100.
"""
