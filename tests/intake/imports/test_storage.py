"""An organizer whose files fill its room is refused by every door with the reason, and nothing is stored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.intake.knocking import opened
from tests.world import World

pytestmark = pytest.mark.anyio

FILE = b"data_nik;rute_perjalanan\r\n" + b"1;2\r\n" * 140_000
"""Of 700 kB."""
IMPORT = "mutation ($file: Upload!) { importRegistrants(file: $file) { id } }"


async def test_one_file_too_many(world: World) -> None:
    async with opened(world, import_storage=1024 * 1024) as api:
        assert (await api.send("/import", FILE, Content_Type="text/csv")).status_code == 202
        assert await world.one("SELECT bytes FROM import_job") == len(FILE)
        async with world.unchanged("import_job", "import_file"):
            answer = await api.send("/import", FILE, Content_Type="text/csv", Accept_Language="en")
            assert answer.status_code == 507
            refused = answer.json()["error"]
            assert (refused["code"], refused["field"]) == ("IMPORT_STORAGE_FULL", "file")
            assert refused["message"].startswith("0 of 1 MB are taken by your import files that are still kept")
            token = await api.token()
            form: dict[str, Any] = {
                "operations": (None, json.dumps({"query": IMPORT, "variables": {"file": None}})),
                "map": (None, json.dumps({"a": ["variables.file"]})),
                "a": ("b.csv", FILE, "text/csv"),
            }
            headers = {"Authorization": f"Bearer {token}", "GraphQL-Preflight": "1"}
            [error] = (await api.http.post("/graphql", headers=headers, files=form)).json()["errors"]
            assert error["extensions"]["code"] == "IMPORT_STORAGE_FULL"
        # A smaller one fits.
        assert (await api.send("/import", FILE[:1000], Content_Type="text/csv")).status_code == 202


async def test_the_same_request_again_takes_no_more_room(world: World) -> None:
    async with opened(world, import_storage=1024 * 1024) as api:
        headers = {
            "Authorization": f"Bearer {await api.token()}",
            "GraphQL-Preflight": "1",
            "Idempotency-Key": "daftar-hari-ini",
        }
        form: dict[str, Any] = {
            "operations": (None, json.dumps({"query": IMPORT, "variables": {"file": None}})),
            "map": (None, json.dumps({"a": ["variables.file"]})),
            "a": ("b.csv", FILE, "text/csv"),
        }
        answers = [(await api.http.post("/graphql", headers=headers, files=form)).json()["data"] for _ in range(3)]
        assert answers[0]["importRegistrants"]["id"]
        assert answers == [answers[0]] * 3
        assert await world.one("SELECT bytes FROM import_job") == len(FILE)
        # A refusal is not kept, and stores nothing when it is asked for again.
        headers["Idempotency-Key"] = "daftar-kedua"
        async with world.unchanged("import_job", "import_file"):
            for _ in range(2):
                [error] = (await api.http.post("/graphql", headers=headers, files=form)).json()["errors"]
                assert error["extensions"]["code"] == "IMPORT_STORAGE_FULL"
