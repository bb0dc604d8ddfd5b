"""`python -m bench.indexes`: who reads each index. What nobody reads is written by each row for nothing.

Each statement of the program is planned without the values of its arguments, on a migrated database in which no table
is read from its beginning to its end, as the server asks for it. Foreign keys are looked
up by statements of PostgreSQL itself, which are not seen here: such an index is called a key.

Then what a new registrant costs PostgreSQL, in CPU, and how much of that goes without each of the indexes.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import psutil

from app import migration
from app.db import Database
from app.embedded import postgres
from tests.test_statements import ALL

INDEXES = """
    SELECT i.relname AS name, t.relname AS table, x.indisunique AS is_unique,
           EXISTS (
               SELECT FROM pg_constraint f WHERE f.contype = 'f' AND (
                   (f.confrelid = t.oid AND f.conindid = i.oid) OR (f.conrelid = t.oid AND f.conkey[1] = x.indkey[0]))
           ) AS is_of_a_foreign_key
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
    WHERE t.relnamespace = 'public'::regnamespace AND NOT t.relispartition ORDER BY 2, 1
"""
PARENTS = """
    SELECT c.relname AS child, p.relname AS parent FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
    JOIN pg_class p ON p.oid = inhparent WHERE c.relkind IN ('i', 'I')
"""

ROWS, ROUNDS = 20_000, 5
GROUND = """
    INSERT INTO season (year, ends_on) VALUES (2026, '2026-12-31');
    INSERT INTO organizer (code, name, schemes) VALUES ('djka', 'djka', '{}');
    INSERT INTO terminal (code, name, city, city_key, kind)
        SELECT code, code, code, code, 'TERMINAL' FROM unnest(ARRAY['a', 'b']) code;
    INSERT INTO route (id, season, organizer_code, name, direction, service, mode, origin_code, destination_code,
                       departs_at)
        SELECT uuidv7(), 2026, 'djka', n, 'MUDIK', 'PASSENGER', 'BUS', 'a', 'b', '2026-03-20'
        FROM generate_series(1, 50) n
"""
INSERT = f"""
    INSERT INTO registrant (id, season, organizer_code, route_id, direction, service, status, nik_index, nik_sealed,
                            name_sealed, registered_at, arrived_at, reference, verify_by)
    SELECT uuidv7(), 2026, 'djka', (SELECT array_agg(id) FROM route)[1 + n % 50], 'MUDIK', 'PASSENGER', 'REGISTERED',
           sha256(random()::text::bytea), '\\x00', '\\x00', now(), now(), 'BK-' || n, now()
    FROM generate_series(1, {ROWS}) n
"""


def indexes_in(plan: Any) -> Iterator[str]:
    if isinstance(plan, dict):
        if "Index Name" in plan:
            yield plan["Index Name"]
        yield from plan.get("Conflict Arbiter Indexes", ())
        plan = list(plan.values())
    if isinstance(plan, list):
        for part in plan:
            yield from indexes_in(part)


async def readers(connection: asyncpg.Connection[Any]) -> dict[str, set[str]]:
    """By the name of an index, the modules whose statements read it."""
    parents = {row["child"]: row["parent"] for row in await connection.fetch(PARENTS)}
    found: defaultdict[str, set[str]] = defaultdict(set)
    await connection.execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
    for name, statement in ALL.items():
        text, arguments = statement.numbered
        try:
            await connection.execute(f"PREPARE planned AS {text}")
        except asyncpg.PostgresSyntaxError:
            continue  # A statement that has no plan, such as LOCK.
        nothing = f"({', '.join(['NULL'] * len(arguments))})" if arguments else ""
        plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE planned{nothing}")
        await connection.execute("DEALLOCATE planned")
        for index in indexes_in(orjson.loads(plan)):
            found[parents.get(index, index)].add(".".join(name.split(".")[1:-1]))
    return found


def cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


async def microseconds_of_a_row(connection: asyncpg.Connection[Any], pid: int) -> float:
    await connection.execute("TRUNCATE registrant CASCADE")
    before = cpu_seconds(pid)
    await connection.execute(INSERT)
    return (cpu_seconds(pid) - before) / ROWS * 1_000_000


async def cost(connection: asyncpg.Connection[Any]) -> dict[str, list[float]]:
    """By the index that is not there, what a row costs in each round. Under no name: with all of them."""
    pid = await connection.fetchval("SELECT pg_backend_pid()")
    await connection.execute(GROUND)
    await microseconds_of_a_row(connection, pid)
    indexes = [row for row in await connection.fetch(INDEXES) if row["table"] == "registrant"]
    found: dict[str, list[float]] = {
        "": [],
        **{row["name"]: [] for row in indexes if not row["name"].startswith("pk_")},
    }
    for _ in range(ROUNDS):
        for name, costs in found.items():
            transaction = connection.transaction()
            await transaction.start()
            if name:
                await connection.execute(f"DROP INDEX {name}")
            costs.append(await microseconds_of_a_row(connection, pid))
            await transaction.rollback()
    return found


async def table(url: str) -> None:
    database = Database(url)
    await migration.upgrade(database)
    await database.dispose()
    connection = await asyncpg.connect(url)
    try:
        found = await readers(connection)
        print(f"{'table':24}{'index':44}{'':12}readers")
        for row in await connection.fetch(INDEXES):
            kind = " ".join(["unique"] * row["is_unique"] + ["key"] * row["is_of_a_foreign_key"])
            names = sorted(found[row["name"]])
            print(f"{row['table']:24}{row['name']:44}{kind:12}{len(names):3}  {', '.join(names[:4])}")
        await connection.execute("RESET ALL")
        costs = await cost(connection)
        print(f"\na new registrant: {statistics.median(costs.pop('')):.1f} µs of CPU; without")
        for name, of_rounds in costs.items():
            print(f"    {name:44}{statistics.median(of_rounds):6.1f} ({min(of_rounds):.1f} to {max(of_rounds):.1f})")
    finally:
        await connection.close()


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="pemudik-bench-") as folder:
        Path(folder).chmod(0o755)
        with postgres.running(Path(folder) / "database") as url:
            asyncio.run(table(url))


if __name__ == "__main__":
    main()
