"""NIKs: the check before anybody is registered, blocks, and who looked at a NIK."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Annotated

import strawberry
from strawberry import ID, UNSET

from app import alarm
from app.errors import Language, NikInvalid, Refusal, RefusalError, TooManyChecks
from app.graphql.context import Context, Info
from app.graphql.fields import loaded, sized
from app.graphql.scalars import NIK, given, identifier
from app.graphql.topics.catalogue import Organizer, get_organizer
from app.graphql.topics.problems import Problem, Standing
from app.graphql.vocabulary import Direction, NikOutcome, Purpose, Service
from app.registry import subject_access
from app.registry.niks import blocks, check, sentences
from app.registry.niks.blocks import StandingBlock
from app.registry.niks.check import Answer, Check
from app.registry.niks.claims import JudgedClaim
from app.registry.values import nik
from app.server.slices import each

InDirection = Annotated[
    Direction | None, strawberry.argument(description="For a trip in this direction. Left out: for both.")
]
ForService = Annotated[
    Service | None, strawberry.argument(description="For a seat, or for a motorcycle. Left out: for both.")
]
OneNik = Annotated[NIK, strawberry.argument(description="The NIK.")]
Reason = Annotated[str, strawberry.argument(description="Why; 1 to 500 characters, kept in the log, without a NIK.")]


@strawberry.type(description="Something worth a second look. It refuses nothing.")
class Warning:  # noqa: A001 - the contract's word
    code: str = strawberry.field(description="Stable, such as `REGENCY_UNKNOWN`.")
    message: str = strawberry.field(description="For people, in the language of `Accept-Language`.")

    @classmethod
    def all_from(cls, warnings: Sequence[nik.Warning], context: Context) -> list[Warning]:
        return [cls(code=warning.code, message=warning.message(context.language)) for warning in warnings]


@strawberry.type(description="A NIK that may not register (terms of 2023 §5). Hubdat can lift it on appeal.")
class Block:
    reason: str = strawberry.field(description="Why.")
    since: datetime = strawberry.field(description="Since when.")
    until_season: int | None = strawberry.field(description="The last season that it covers.")

    @classmethod
    def from_standing(cls, block: StandingBlock) -> Block:
        return cls(reason=block.reason, since=block.since, until_season=block.until_season)


@strawberry.type(description="What submitting a NIK in one direction, for one service, would be answered.")
class ClaimCheck:
    direction: Direction = strawberry.field(description="In this direction.")
    service: Service = strawberry.field(description="For this service.")
    outcome: NikOutcome = strawberry.field(description="The answer.")
    available: bool = strawberry.field(description="Whether the outcome is AVAILABLE.")
    message: str = strawberry.field(
        description="The same in a sentence for the clerk's screen, in the language of `Accept-Language`."
    )

    @classmethod
    def from_claim(cls, claim: JudgedClaim, language: Language) -> ClaimCheck:
        return cls(
            direction=Direction(claim.claimed.direction),
            service=Service(claim.claimed.service),
            outcome=NikOutcome(claim.outcome),
            available=claim.outcome == NikOutcome.AVAILABLE.value,
            message=sentences.of_claim(claim, language),
        )


@strawberry.type(
    description=(
        "Whether a NIK may be registered (Kemenhub integration scheme, March 2024). It says what submitting would say"
        " of the NIK; window, route and seats are judged by `submitRegistrant`, which alone decides. Every check is"
        " written to the access log before it is answered."
    )
)
class NikCheck:
    nik: NIK = strawberry.field(description="The 16 digits that were checked; as they were sent, if INVALID.")
    outcome: NikOutcome = strawberry.field(
        description=(
            "The answer. Of several directions and services the first of these that is among them: BLOCKED, REGISTERED,"
            " AVAILABLE, OUTBOUND_MISSING. When the allowance is used up, only what you hold is told: REGISTERED, else"
            " UNDECIDED."
        )
    )
    available: bool = strawberry.field(description="Whether the outcome is AVAILABLE.")
    message: str = strawberry.field(
        description="The answer in one sentence for the clerk's screen, in the language of `Accept-Language`.",
    )
    standing: list[Standing] = strawberry.federation.field(
        description="What stands against it: at most one in a direction and service.", directives=[sized(1)]
    )
    block: Block | None = strawberry.field(description="Of BLOCKED: the block.")
    outbound_stands: bool | None = strawberry.field(
        description="Of a check for BALIK: whether you hold the MUDIK registration that a return requires."
    )
    warnings: list[Warning] = strawberry.federation.field(
        description="Such as an unknown regency: region tables age.", directives=[sized(1)]
    )
    problem: Problem | None = strawberry.field(description="Of INVALID: what is wrong with it.")
    claims: list[ClaimCheck] = strawberry.federation.field(
        description="The answer for each direction and service that was asked for. Of INVALID: none.",
        directives=[sized(4)],
    )

    @staticmethod
    def from_answer(sent: NIK, answer: Answer | NikInvalid | TooManyChecks, context: Context) -> NikCheck:
        """Raises `TooManyChecks`: a client without budget gets no verdict."""
        if isinstance(answer, TooManyChecks):
            raise answer
        return _AnsweredCheck(sent, answer, context)


_outcome = cache(NikOutcome)


class _AnsweredCheck(NikCheck):
    """Makes its sentences and its claims when they are asked for, since a call may have a thousand NIKs."""

    def __init__(self, sent: NIK, answer: Answer | NikInvalid, context: Context) -> None:
        self.answer, self.language = answer, context.language
        self.nik, self.outcome, self.available = sent, NikOutcome.INVALID, False
        self.standing, self.block, self.outbound_stands = [], None, None
        self.warnings, self.problem = [], None
        if isinstance(answer, NikInvalid):
            self.problem = Problem.from_refusal(answer, context)
            return
        self.nik, self.outcome = NIK(answer.nik), _outcome(answer.outcome)
        self.available = self.outcome is NikOutcome.AVAILABLE
        self.standing = [Standing.from_standing(one) for one in answer.standing]
        self.block = None if answer.block is None else Block.from_standing(answer.block)
        self.outbound_stands = answer.outbound_stands
        self.warnings = Warning.all_from(answer.warnings, context)

    @property
    def message(self) -> str:  # type: ignore[override]
        return sentences.sentence(self.answer, self.language)

    @property
    def claims(self) -> list[ClaimCheck]:  # type: ignore[override]
        claims = () if isinstance(self.answer, NikInvalid) else self.answer.claims
        return [ClaimCheck.from_claim(one, self.language) for one in claims]


@strawberry.type(description="One look at a NIK.")
class NikAccess:
    at: datetime = strawberry.field(description="When.")
    client: str = strawberry.field(description="Which client looked; `pemudik` is the command line.")
    person: str | None = strawberry.field(description="The e-mail of who looked on the pages. Null: a program.")
    organizer_code: strawberry.Private[str]
    purpose: Purpose = strawberry.field(description="Why.")
    what: str | None = strawberry.field(description="Of READ: which list, by the root fields or the path.")
    outcome: NikOutcome | None = strawberry.field(description="What a check answered.")
    reason: str | None = strawberry.field(
        description="Of READ: what for, in the words of whoever looked the person up. Null: not said, or erased."
    )

    @loaded("Whose client it is.")
    async def organizer(self, info: Info) -> Organizer:
        return await get_organizer(info, self.organizer_code)

    @classmethod
    def from_record(cls, access: subject_access.Access) -> NikAccess:
        return cls(
            at=access.at,
            client=access.client_id,
            person=access.person,
            organizer_code=access.organizer,
            purpose=Purpose(access.purpose),
            what=access.what,
            outcome=None if access.outcome is None else NikOutcome(access.outcome),
            reason=access.reason,
        )


BlockResult = Annotated[Block | Problem, strawberry.union("BlockResult", description="The block, or why not.")]


async def check_nik(
    info: Info, nik: OneNik, direction: InDirection = UNSET, service: ForService = UNSET
) -> NikCheck | None:
    context = info.context
    answer = await context.process.checks.ask(Check(context.caller, nik, given(direction), given(service)))
    return NikCheck.from_answer(nik, answer, context)


async def check_niks(
    info: Info,
    niks: Annotated[list[NIK], strawberry.argument(description="At most 1,000.")],
    direction: InDirection = UNSET,
    service: ForService = UNSET,
) -> list[NikCheck] | None:
    context = info.context
    checks = [Check(context.caller, nik, given(direction), given(service)) for nik in niks]
    async with context.process.database.statements() as session:
        answers = await check.check(session, context.process.vault, checks, context.now, together=True)
    alarm.count_checks(checks, answers)
    pairs = list(zip(niks, answers, strict=True))
    return await each(lambda pair: NikCheck.from_answer(*pair, context), pairs)


async def nik_accesses(info: Info, nik: OneNik) -> list[NikAccess] | None:
    context = info.context
    async with context.transaction() as session:
        accesses = await subject_access.accesses(session, context.process.vault, context.caller, nik, context.now)
    if isinstance(accesses, Refusal):
        raise RefusalError(accesses)
    return [NikAccess.from_record(access) for access in accesses]


async def block_nik(
    info: Info,
    nik: OneNik,
    reason: Reason,
    seasons: Annotated[int, strawberry.argument(description="For how many, 1 to 10, the current one included.")] = 1,
) -> BlockResult:
    context = info.context
    return _block(
        await context.attempt(
            lambda session: blocks.block(
                session, context.process.vault, context.caller, nik, reason, seasons, context.now
            )
        ),
        context,
    )


async def lift_nik_block(info: Info, nik: OneNik, reason: Reason) -> BlockResult:
    context = info.context
    return _block(
        await context.attempt(
            lambda session: blocks.lift(session, context.process.vault, context.caller, nik, reason, context.now)
        ),
        context,
    )


async def lift_block(
    info: Info,
    id: Annotated[ID, strawberry.argument(description="Of a block, as `blocks` lists it.")],
    reason: Reason,
) -> BlockResult:
    context = info.context
    return _block(
        await context.attempt(
            lambda session: blocks.lift_one(session, context.caller, identifier(id), reason, context.now)
        ),
        context,
    )


def _block(verdict: StandingBlock | Refusal, context: Context) -> Block | Problem:
    return Problem.from_refusal(verdict, context) if isinstance(verdict, Refusal) else Block.from_standing(verdict)
