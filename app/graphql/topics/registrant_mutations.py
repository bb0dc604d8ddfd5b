"""Registrants as they are written: submitted, moved, corrected, handed over. One verdict for each, in order."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import ID, UNSET

from app import metrics
from app.errors import Refusal
from app.graphql.context import Context, Info
from app.graphql.fields import sized
from app.graphql.scalars import given, identifier
from app.graphql.topics import niks
from app.graphql.topics.niks import Reason
from app.graphql.topics.problems import Problem
from app.graphql.topics.registrant_inputs import Correction, MoveRegistrant, RegistrantRef, SubmitRegistrant
from app.graphql.topics.registrants import Registrant
from app.registry.amending import corrections, rerouting
from app.registry.registrants import lifecycle, motorcycles
from app.registry.registrants.submission import Accepted
from app.registry.registrants.view import View
from app.registry.undo import late_acts
from app.server.slices import each

Ref = Annotated[RegistrantRef, strawberry.argument(description="Which one; it must be yours.")]
Refs = Annotated[list[RegistrantRef], strawberry.argument(description="Which ones, at most 1,000; they must be yours.")]
Posko = Annotated[str | None, strawberry.argument(description="At which posko.")]
Healthy = Annotated[
    bool, strawberry.argument(description="The declaration of being healthy (terms of 2023 §7); nothing more is kept.")
]
RouteId = Annotated[
    ID, strawberry.argument(description="Of the same organizer, direction and service as its present route.")
]
At = Annotated[datetime | None, strawberry.argument(description="When it happened; left out: now.")]
DepartedAt = Annotated[
    datetime | None,
    strawberry.argument(
        description=(
            "When it happened; left out: now. Of a departure that is told within six hours this counts: whoever was"
            " aboard in time and is a no-show meanwhile is DEPARTED (flag `TOLD_LATE`)."
        )
    ),
]
VerifiedAt = Annotated[
    datetime | None,
    strawberry.argument(
        description=(
            "When it happened; left out: now. Told within six hours, it counts from then: in time is in time, also for"
            " whoever was forfeited meanwhile and whose seat is still free (flag `TOLD_LATE`)."
        )
    ),
]


@strawberry.type(description="An accepted registration.")
class Submission:
    registrant: Registrant = strawberry.field(description="The registrant.")
    return_: Registrant | None = strawberry.field(name="return", description="The way back, if one was asked for.")
    replayed: bool = strawberry.field(
        description=(
            "This organizer had already submitted this NIK in this season, direction and service: nothing was added,"
            " no second seat taken. Repeating a submission is safe."
        )
    )
    warnings: list[niks.Warning] = strawberry.federation.field(
        description="Such as a registration outside every window, where the policy lets it pass.",
        directives=[sized(1)],
    )

    @classmethod
    def from_accepted(cls, accepted: Accepted, context: Context) -> Submission:
        def shown(view: View) -> Registrant:
            # Of whom is new the caller has just sent all that is answered, and the change log tells who did.
            return Registrant.from_record(view, context) if accepted.replayed else Registrant.of(view)

        back = accepted.return_view
        return cls(
            registrant=shown(accepted.view),
            return_=None if back is None else shown(back),
            replayed=accepted.replayed,
            warnings=niks.Warning.all_from(accepted.warnings, context),
        )


SubmitResult = Annotated[
    Submission | Problem, strawberry.union("SubmitResult", description="The registration, or why not.")
]
RegistrantResult = Annotated[
    Registrant | Problem, strawberry.union("RegistrantResult", description="The registrant as it is now, or why not.")
]


async def submit_registrant(
    info: Info, input: Annotated[SubmitRegistrant, strawberry.argument(description="Whom, and on which route.")]
) -> SubmitResult:
    verdict = await info.context.submit(input.to_submission(info.context))
    return _submitted(verdict, info.context)


async def submit_registrants(
    info: Info,
    inputs: Annotated[list[SubmitRegistrant], strawberry.argument(description="At most 1,000.")],
) -> list[SubmitResult]:
    context = info.context
    submissions = await each(lambda one: one.to_submission(context), inputs)
    return await each(lambda verdict: _submitted(verdict, context), await context.submit_all(submissions))


async def verify_registrant(info: Info, ref: Ref, posko: Posko = UNSET, at: VerifiedAt = UNSET) -> RegistrantResult:
    [verdict] = await verify_registrants(info, [ref], posko, at)
    return verdict


async def verify_registrants(
    info: Info, refs: Refs, posko: Posko = UNSET, at: VerifiedAt = UNSET
) -> list[RegistrantResult]:
    context, which = info.context, [ref.to_ref() for ref in refs]
    verdicts = await context.attempt(
        lambda session: late_acts.verify(
            session, context.process.vault, context.caller, which, context.now, posko=given(posko), at=given(at)
        )
    )
    return await each(lambda verdict: registrant_or_problem(verdict, context), verdicts)


async def depart_registrant(info: Info, ref: Ref, healthy: Healthy, at: DepartedAt = UNSET) -> RegistrantResult:
    [verdict] = await depart_registrants(info, [ref], healthy, at)
    return verdict


async def depart_registrants(
    info: Info, refs: Refs, healthy: Healthy, at: DepartedAt = UNSET
) -> list[RegistrantResult]:
    context, which = info.context, [ref.to_ref() for ref in refs]
    verdicts = await context.attempt(
        lambda session: lifecycle.depart(
            session, context.process.vault, context.caller, which, context.now, healthy=healthy, at=given(at)
        )
    )
    return await each(lambda verdict: registrant_or_problem(verdict, context), verdicts)


async def cancel_registrant(info: Info, ref: Ref, reason: Reason) -> RegistrantResult:
    context = info.context
    [verdict] = await context.attempt(
        lambda session: lifecycle.cancel(
            session, context.process.vault, context.caller, [ref.to_ref()], context.now, reason=reason
        )
    )
    return registrant_or_problem(verdict, context)


async def move_registrant(info: Info, ref: Ref, route_id: RouteId) -> RegistrantResult:
    [verdict] = await _moved(info, [(ref, route_id)])
    return verdict


async def move_registrants(
    info: Info,
    inputs: Annotated[list[MoveRegistrant], strawberry.argument(description="At most 1,000.")],
) -> list[RegistrantResult]:
    return await _moved(info, [(one.ref, one.route_id) for one in inputs])


async def _moved(info: Info, moves: list[tuple[RegistrantRef, ID]]) -> list[RegistrantResult]:
    context = info.context
    wanted = [(ref.to_ref(), identifier(route_id)) for ref, route_id in moves]
    verdicts = await context.attempt(
        lambda session: rerouting.move(session, context.process.vault, context.caller, wanted, context.now)
    )
    return await each(lambda verdict: registrant_or_problem(verdict, context), verdicts)


async def correct_registrant(
    info: Info,
    ref: Ref,
    input: Annotated[Correction, strawberry.argument(description="What is right, and why.")],
) -> RegistrantResult:
    context = info.context
    verdict = await context.attempt(
        lambda session: corrections.correct(
            session, context.process.vault, context.caller, ref.to_ref(), input.to_correction(), context.now
        )
    )
    return registrant_or_problem(verdict, context)


async def hand_over_motorcycle(info: Info, ref: Ref, at: At = UNSET) -> RegistrantResult:
    context = info.context
    [verdict] = await context.attempt(
        lambda session: motorcycles.hand_over(
            session, context.process.vault, context.caller, [ref.to_ref()], given(at), context.now
        )
    )
    return registrant_or_problem(verdict, context)


def registrant_or_problem(verdict: View | Refusal, context: Context) -> Registrant | Problem:
    code = verdict.code if isinstance(verdict, Refusal) else "ACCEPTED"
    metrics.count_verdict("change", context.caller.organizer, code, refused=isinstance(verdict, Refusal))
    if isinstance(verdict, Refusal):
        return Problem.from_refusal(verdict, context)
    return Registrant.from_record(verdict, context)


def _submitted(verdict: Accepted | Refusal, context: Context) -> Submission | Problem:
    refused = isinstance(verdict, Refusal)
    metrics.count_verdict("submission", context.caller.organizer, _code(verdict), refused=refused)
    if isinstance(verdict, Refusal):
        return Problem.from_refusal(verdict, context)
    return Submission.from_accepted(verdict, context)


def _code(verdict: Accepted | Refusal) -> str:
    if isinstance(verdict, Refusal):
        return verdict.code
    return "REPLAYED" if verdict.replayed else "ACCEPTED"
