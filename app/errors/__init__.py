"""What the registry refuses, and why.

    Refusal         an expected outcome: a stable `code`, a message in two languages, the facts of its kind
    Unavailable     the registry cannot answer now; the same call may go through later

A refusal is a value: rules return it as the verdict of one row, a row's refusal touches no other row, and nobody
changes a refusal afterwards. It never carries a NIK or a name. A use case declares with `@refuses` what it may refuse.
The schema's descriptions and docs/refusals.md are made from that; a refusal that is not declared fails a test.
"""

# All of it, so that a new kind is written in `kinds` alone.
from app.errors.kinds import *  # noqa: F403
from app.errors.refusal import *  # noqa: F403
from app.errors.refusal_words import *  # noqa: F403
from app.errors.unavailable import *  # noqa: F403
