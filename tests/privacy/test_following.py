"""Who follows the changes, with everything that may be selected of them, learns of nobody but its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.changes.log import cursors, feed
from app.registry.caller import Caller
from app.registry.change_log import OF_A_REGISTRANT
from tests import world as worlds
from tests.graphql.conftest import EVERYDAY
from tests.graphql.live.serving import Live
from tests.privacy.people import Society, found_in
from tests.privacy.walking import Walk

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]


async def heard(
    live: Live, society: Society, document: str, organizers: frozenset[str], organizer: str, scopes: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Everything from the beginning of the log that is the caller's to hear."""
    kinds = ", ".join(f"'{kind}'" for kind in OF_A_REGISTRANT)
    count = await society.world.one(
        f"SELECT count(*) FROM change WHERE kind IN ({kinds}) AND organizer_code = ANY(:own)", own=sorted(organizers)
    )
    async with live.client(organizer, scopes=scopes) as client:
        await client.subscribe("1", document, after=cursors.cursor(feed.START))
        messages = [await client.hear() for _ in range(count)]
    assert {message["type"] for message in messages} == {"next"}
    assert {tuple(message["payload"]) for message in messages} == {("data",)}
    return [message["payload"]["data"]["changes"] for message in messages]


@pytest.mark.parametrize(
    "caller", [worlds.DJKA, worlds.JASA_RAHARJA, worlds.BUMN, worlds.HUBDAT], ids=lambda caller: caller.organizer
)
async def test_nobody_but_ones_own(live: Live, society: Society, walk: Walk, caller: Caller) -> None:
    document = walk.subscription("changes")
    assert "history" in document
    events = await heard(live, society, document, caller.organizers, caller.organizer, EVERYDAY)
    said = json.dumps(events)
    assert {event["registrant"]["organizer"]["code"] for event in events} == caller.organizers
    foreign = {word for one in society.foreign_to(caller) for word in one.words | one.keys}
    disputed = society.of("dishub-dki", "claimed").nik
    assert list(found_in(said, foreign - {disputed})) == []
    assert '"*' not in said
    # Else it would prove nothing.
    for one in society.owned_by(caller):
        assert list(found_in(said, {str(one.id)})) == [str(one.id)]
        assert one.kind == "erased" or one.nik in said


async def test_the_dashboard_hears_of_everybody_and_of_nobody_by_name(live: Live, society: Society, walk: Walk) -> None:
    everybody = frozenset(caller.organizer for caller in worlds.CALLERS)
    events = await heard(live, society, walk.subscription("changes"), everybody, "hubdat", ("dashboard:read",))
    assert {event["registrant"]["organizer"]["code"] for event in events} == everybody
    assert {event["registrant"]["name"] for event in events} == {"***", "(dihapus)"}
    assert {event["reason"] for event in events} == {None}
    assert list(found_in(json.dumps(events), {word for one in society.people for word in one.words})) == []
