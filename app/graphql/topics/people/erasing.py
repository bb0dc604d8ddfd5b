"""Erasure of a person, and what the answer tells of it."""

from __future__ import annotations

from typing import Annotated

import strawberry

from app import metrics
from app.errors import Refusal
from app.graphql.context import Context, Info
from app.graphql.fields import sized
from app.graphql.topics.niks import Reason
from app.graphql.topics.problems import Problem
from app.graphql.topics.registrant_inputs import RegistrantRef
from app.graphql.topics.registrants import Registrant
from app.registry import erasure
from app.registry.erasure import Erased


@strawberry.type(description="What was erased of one person (UU 27/2022 art. 8, 43).")
class Erasure:
    registrants: list[Registrant] = strawberry.federation.field(
        description="Every registration of the person, of every organizer and season, as it is now.",
        directives=[sized(5)],
    )
    applicant_of: int = strawberry.field(
        description="How many registrations of others named the person as the applicant, and do not any more."
    )
    files: int = strawberry.field(
        description=(
            "How many stored import files named the person; they are gone with their results. A file that is being"
            " worked on goes at its end."
        )
    )

    @classmethod
    def from_erased(cls, erased: Erased, context: Context) -> Erasure:
        return cls(
            registrants=[Registrant.from_record(one, context) for one in erased.registrants],
            applicant_of=erased.applicant_of,
            files=erased.files,
        )


ErasureResult = Annotated[
    Erasure | Problem, strawberry.union("ErasureResult", description="What was erased, or why nothing was.")
]


async def erase_registrant(
    info: Info,
    ref: Annotated[
        RegistrantRef,
        strawberry.argument(
            description=(
                "Whom: by any registration, of any organizer, or by the NIK. The whole person is erased, whichever"
                " direction and service stand beside the NIK."
            )
        ),
    ],
    reason: Reason,
) -> ErasureResult:
    context = info.context
    verdict = await context.attempt(
        lambda session: erasure.erase(session, context.process.vault, context.caller, ref.to_ref(), reason, context.now)
    )
    code = verdict.code if isinstance(verdict, Refusal) else "ACCEPTED"
    metrics.count_verdict("change", context.caller.organizer, code, refused=isinstance(verdict, Refusal))
    return (
        Problem.from_refusal(verdict, context)
        if isinstance(verdict, Refusal)
        else Erasure.from_erased(verdict, context)
    )
