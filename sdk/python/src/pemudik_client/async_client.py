"""The client for programs that do not wait: `Pemudik`, method by method, with `await` and `async for`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, cast

import httpx

from pemudik_client.calls import (
    BATCH,
    PATIENCE_SECONDS,
    TIMEOUT_SECONDS,
    TOKEN_PATH,
    Answer,
    Authorize,
    Calls,
    Send,
    Steps,
    Wait,
    proof_of,
    verdicts,
)
from pemudik_client.cursors import Cursor, cursor_of, go_on_after
from pemudik_client.documents import REGISTRANT
from pemudik_client.errors import CursorLost, PemudikError
from pemudik_client.types import (
    Change,
    Correction,
    Direction,
    Import,
    NikCheck,
    PersonOfBooking,
    Registrant,
    RegistrantRef,
    Route,
    SeatHold,
    Service,
    Submission,
    SubmitBooking,
    SubmitRegistrant,
    SubmittedBooking,
    Verdict,
)

T = TypeVar("T")


class AsyncPemudik:
    """One for each program and loop: it has the token and the connections, and tasks may share it.

    A call tries again within `patience_seconds`, and then raises `TryLater`.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str | None = None,
        *,
        private_key: str | bytes | None = None,
        audience: str | None = None,
        language: str = "id",
        patience_seconds: float = PATIENCE_SECONDS,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        proof = proof_of(client_id, client_secret, private_key, audience or self._url + TOKEN_PATH)
        self._calls = Calls(proof, language, patience_seconds)
        self._http = http or httpx.AsyncClient(timeout=TIMEOUT_SECONDS)
        self._renewing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def token(self) -> str:
        """The access token in use, for what this client has no method for, such as exports."""
        return await self._run(self._calls.token())

    async def execute(
        self, document: str, variables: Mapping[str, Any] | None = None, *, key: str | None = None
    ) -> Any:
        """`data` of any document of yours. `key` is an `Idempotency-Key`; a mutation has one in any case."""
        return await self._run(self._calls.execute(document, variables or {}, key))

    # --- before a registration ----------------------------------------------------------------------------------------

    async def check_nik(self, nik: str, direction: Direction | None = None, service: Service | None = None) -> NikCheck:
        variables = {"nik": nik, "direction": direction, "service": service}
        return cast(NikCheck, await self._run(self._calls.query("checkNik", variables)))

    async def check_niks(
        self,
        niks: Iterable[str] | AsyncIterable[str],
        direction: Direction | None = None,
        service: Service | None = None,
    ) -> AsyncIterator[NikCheck]:
        """The answer to each NIK, in order, as they come: 1,000 a call, and no more than that in memory."""
        async for batch in gathered(niks):
            variables = {"niks": batch, "direction": direction, "service": service}
            for answer in await self._run(self._calls.query("checkNiks", variables)):
                yield answer

    def routes(self, where: Mapping[str, Any] | None = None) -> AsyncIterator[Route]:
        """All routes that fit `where`, such as `{"organizer": "djka", "withSeats": True}`."""
        return self._pages("routes", {"where": where})

    async def hold_seats(self, route_id: str, *, seats: int = 1, minutes: int = 15, key: str | None = None) -> SeatHold:
        """Keeps seats while a person fills a form, and no NIK. Its id is `hold` of the submission. Raises `Refused`."""
        variables = {"routeId": route_id, "seats": seats, "minutes": minutes}
        return cast(SeatHold, await self._run(self._calls.mutation("holdSeats", variables, key)))

    async def give_back_seats(self, hold: str, *, key: str | None = None) -> SeatHold:
        """Raises `Refused`."""
        return cast(SeatHold, await self._run(self._calls.mutation("giveBackSeats", {"hold": hold}, key)))

    # --- registrations ------------------------------------------------------------------------------------------------

    async def submit_registrant(self, input: SubmitRegistrant, *, key: str | None = None) -> Submission:
        """Raises `Refused`."""
        return cast(Submission, await self._run(self._calls.mutation("submitRegistrant", {"input": input}, key)))

    async def submit_registrants(
        self, inputs: Iterable[SubmitRegistrant] | AsyncIterable[SubmitRegistrant]
    ) -> AsyncIterator[Verdict[SubmitRegistrant, Submission]]:
        """A verdict for each, in order, as they come: 1,000 a call, and no more than that in memory.

        What it raises it raises behind the last verdict that is certain: go on with the item after that one.
        """
        async for batch in gathered(inputs):
            results = await self._run(self._calls.mutation("submitRegistrants", {"inputs": batch}))
            for verdict in verdicts(batch, results):
                yield verdict

    async def submit_booking(self, input: SubmitBooking, *, key: str | None = None) -> SubmittedBooking:
        """Everybody or nobody. Raises `Refused`; `BookingRefused` has a problem for each person."""
        return cast(SubmittedBooking, await self._run(self._calls.mutation("submitBooking", {"input": input}, key)))

    async def verify_registrant(
        self, ref: RegistrantRef, *, posko: str | None = None, at: str | None = None, key: str | None = None
    ) -> Registrant:
        """Raises `Refused`."""
        return await self._registrant("verifyRegistrant", {"ref": ref, "posko": posko, "at": at}, key)

    async def depart_registrant(
        self, ref: RegistrantRef, *, healthy: bool, at: str | None = None, key: str | None = None
    ) -> Registrant:
        """Raises `Refused`."""
        return await self._registrant("departRegistrant", {"ref": ref, "healthy": healthy, "at": at}, key)

    async def cancel_registrant(self, ref: RegistrantRef, reason: str, *, key: str | None = None) -> Registrant:
        """Raises `Refused`."""
        return await self._registrant("cancelRegistrant", {"ref": ref, "reason": reason}, key)

    async def correct_registrant(
        self,
        ref: RegistrantRef,
        input: Correction,
        *,
        key: str | None = None,
    ) -> Registrant:
        """Raises `Refused`."""
        return await self._registrant("correctRegistrant", {"ref": ref, "input": input}, key)

    async def verify_booking(
        self,
        reference: str,
        *,
        posko: str | None = None,
        at: str | None = None,
        organizer: str | None = None,
        key: str | None = None,
    ) -> list[PersonOfBooking]:
        """A verdict for each person. Raises `Refused` when nobody was touched."""
        return await self._people("verifyBooking", reference, {"posko": posko, "at": at, "organizer": organizer}, key)

    async def depart_booking(
        self,
        reference: str,
        *,
        healthy: bool,
        direction: Direction = "MUDIK",
        service: Service = "PASSENGER",
        at: str | None = None,
        organizer: str | None = None,
        key: str | None = None,
    ) -> list[PersonOfBooking]:
        """A verdict for each person. Raises `Refused` when nobody was touched."""
        how = {"healthy": healthy, "direction": direction, "service": service, "at": at, "organizer": organizer}
        return await self._people("departBooking", reference, how, key)

    async def cancel_booking(
        self, reference: str, reason: str, *, organizer: str | None = None, key: str | None = None
    ) -> list[PersonOfBooking]:
        """A verdict for each person. Raises `Refused` when nobody was touched."""
        return await self._people("cancelBooking", reference, {"reason": reason, "organizer": organizer}, key)

    # --- looking up ---------------------------------------------------------------------------------------------------

    async def registrant(
        self, ref: RegistrantRef, *, fields: str = REGISTRANT, purpose: str | None = None
    ) -> dict[str, Any] | None:
        """One of yours, or None. NIK and name come if `fields` asks for them, as in `"id status nik name"`."""
        variables = {"ref": ref, "purpose": purpose}
        return cast("dict[str, Any] | None", await self._run(self._calls.query("registrant", variables, fields)))

    def registrants(
        self, where: Mapping[str, Any] | None = None, *, fields: str = REGISTRANT
    ) -> AsyncIterator[dict[str, Any]]:
        return self._pages("registrants", {"where": where}, fields)

    async def booking(
        self, reference: str, *, organizer: str | None = None, fields: str = REGISTRANT
    ) -> dict[str, Any] | None:
        variables = {"reference": reference, "organizer": organizer}
        return cast("dict[str, Any] | None", await self._run(self._calls.query("booking", variables, fields)))

    # --- files --------------------------------------------------------------------------------------------------------

    async def import_file(
        self,
        file: str | os.PathLike[str],
        *,
        dry_run: bool = False,
        mode: Literal["UPSERT", "SNAPSHOT"] | None = None,
        changes: Literal["REPORT", "APPLY"] | None = None,
        as_of: str | None = None,
        even_though: bool = False,
        season: int | None = None,
        day: str | None = None,
        covers: Sequence[str] | None = None,
        key: str | None = None,
    ) -> Import:
        """Sends an .xlsx or .csv of the 12 columns. It is read as a job: wait with `import_over`. Raises `Refused`."""
        how: dict[str, Any] = {"dryRun": dry_run or None, "mode": mode, "changes": changes, "asOf": as_of}
        how |= {"evenThough": even_though or None, "season": season, "day": day, "covers": covers}
        return await self._run(self._calls.import_file(Path(file), how, key))

    async def import_over(self, id: str, *, every_seconds: float = 2.0) -> Import:
        """Waits until an import is done. Raises `Refused` when the file could not be read."""
        return await self._run(self._calls.import_over(id, every_seconds))

    async def import_result(self, id: str, *, format: Literal["csv", "xlsx"] = "csv") -> bytes:
        """The file that was sent, with `hasil` and `keterangan` for each row."""
        return await self._run(self._calls.import_result(id, format))

    # --- the feed -----------------------------------------------------------------------------------------------------

    async def follow(
        self,
        cursor: str | os.PathLike[str] | Cursor,
        *,
        every_seconds: float | None = 5.0,
        fields: str = REGISTRANT,
        from_now: bool = False,
    ) -> AsyncIterator[Change]:
        """Every change of yours, in order, from the cursor on; without one from the beginning of the log, or from now.

        `cursor` is a file, or whatever loads and saves. It is saved when a change has been handled: when the next
        one is asked for. So nothing is missed, and after a crash the last one comes again. `every_seconds` is how
        often the registry is asked when there is nothing new; None ends at the end.
        """
        kept = cursor_of(cursor)
        if from_now and kept.load() is None:
            kept.save(await self._run(self._calls.query("endOfChanges", {})))
        while True:
            try:
                page = await self._run(self._calls.query("changes", {"after": kept.load()}, fields))
            except CursorLost as lost:
                go_on_after(kept, lost)
                continue
            for change in page["nodes"]:
                yield change
                kept.save(change["cursor"])
            if page["pageInfo"]["endCursor"]:
                kept.save(page["pageInfo"]["endCursor"])
            if not page["pageInfo"]["hasNextPage"]:
                if every_seconds is None:
                    return
                await asyncio.sleep(every_seconds)

    # ------------------------------------------------------------------------------------------------------------------

    async def _registrant(self, name: str, variables: Mapping[str, Any], key: str | None) -> Registrant:
        return cast(Registrant, await self._run(self._calls.mutation(name, variables, key)))

    async def _people(
        self, name: str, reference: str, how: Mapping[str, Any], key: str | None
    ) -> list[PersonOfBooking]:
        variables = {"reference": reference, **how}
        return cast("list[PersonOfBooking]", await self._run(self._calls.mutation(name, variables, key)))

    async def _pages(self, name: str, variables: Mapping[str, Any], fields: str = "") -> AsyncIterator[Any]:
        page: Any = {"hasNextPage": True, "endCursor": None}
        while page["hasNextPage"]:
            found = await self._run(self._calls.query(name, {**variables, "after": page["endCursor"]}, fields))
            for node in found["nodes"]:
                yield node
            page = found["pageInfo"]

    async def _run(self, steps: Steps[T]) -> T:
        try:
            step = next(steps)
            while True:
                try:
                    done = await self._do(step)
                except PemudikError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(done)
        except StopIteration as end:
            return cast(T, end.value)

    async def _do(self, step: Send | Wait | Authorize) -> Answer | str | None:
        if isinstance(step, Wait):
            await asyncio.sleep(step.seconds)
            return None
        if isinstance(step, Authorize):
            async with self._renewing:
                return await self._run(self._calls.renewed(step.refused))
        try:
            answer = await self._http.request(
                step.method, self._url + step.path, headers=step.headers, content=step.content
            )
        except httpx.RequestError:
            return None
        return Answer(answer.status_code, answer.headers.get("retry-after"), answer.content)


async def gathered(items: Iterable[T] | AsyncIterable[T]) -> AsyncIterator[list[T]]:
    batch: list[T] = []
    async for item in _each(items):
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def _each(items: Iterable[T] | AsyncIterable[T]) -> AsyncIterator[T]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
        return
    for item in items:
        yield item
