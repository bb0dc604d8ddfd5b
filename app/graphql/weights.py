"""What an object costs beside its values: to read it from the database, to open what is sealed, to load it by its key.

In units of cost, of 5 microseconds of CPU each. `make bench ARGS=costs` measures them, and fails when one is wrong. A
registrant takes 38 microseconds before any of its fields is selected, a route 60 to 80.
"""

from __future__ import annotations

from collections.abc import Mapping

WEIGHTS: Mapping[str, int] = {
    "Registrant": 10,
    "Change": 12,
    "Route": 12,
    "NikCheck": 4,
    "Statistics": 600,
    "_Entity": 12,
    "_Service": 1_000,
    "Attention": 60,
    "SweepHalt": 2,
    "Query.checkNik": 3,
    "Query.consolidation": 10_000,
    "Query.endOfChanges": 20,
    "Query.heldOnNik": 400,
    "Query.organizer": 50,
    "Query.terminal": 50,
}
"""By the name of the type, or of a field that takes so much however little it answers.

The schema that `_Service` answers has 70 kB, so an operation may ask for fewer than 100.
"""
