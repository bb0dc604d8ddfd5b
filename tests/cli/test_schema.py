from __future__ import annotations

import re
from pathlib import Path

from graphql import build_schema, validate_schema

from app.cli import refusals
from app.graphql import schema
from app.version import VERSION
from tests.cli.conftest import Pemudik


def test_the_schema_is_printed_or_written(pemudik: Pemudik, tmp_path: Path) -> None:
    file = tmp_path / "schema.graphql"
    assert pemudik("schema", "export", "-").output == schema.sdl()
    assert pemudik("schema", "export", str(file)).output == ""
    assert file.read_text() == schema.sdl()


def test_the_plain_schema_has_nothing_of_federation(pemudik: Pemudik, tmp_path: Path) -> None:
    file = tmp_path / "api.graphql"
    printed = pemudik("schema", "export", "--api").output
    assert printed == schema.api_sdl()
    stale = "pemudik: api.graphql is not the plain schema of this program: run `pemudik schema export --api`.\n"
    assert pemudik("schema", "export", "--api", "--check", str(file), code=1).stderr == stale
    assert pemudik("schema", "export", "--api", str(file)).output == ""
    assert pemudik("schema", "export", "--api", "--check", str(file)).output == ""
    built = build_schema(file.read_text())
    assert validate_schema(built) == []
    assert set(re.findall(r"@\w+", printed)) == {"@oneOf", "@specifiedBy"}
    own = {name for name in schema.EXECUTABLE.type_map if "__" not in name and not name.startswith("_")}
    assert {name for name in built.type_map if not name.startswith("__")} == own
    assert built.query_type is not None
    assert "_service" not in built.query_type.fields


def test_the_released_schema_says_of_which_version_it_is(pemudik: Pemudik, tmp_path: Path) -> None:
    file = tmp_path / "released.graphql"
    printed = pemudik("schema", "release", "-").output
    head, _, plain = printed.partition("\n\n")
    assert head == (
        f"# The schema of pemudik {VERSION} as it was released, without federation."
        " Written by `pemudik schema release`; do not edit."
    )
    assert plain == schema.api_sdl()
    assert pemudik("schema", "release", str(file)).output == ""
    assert file.read_text() == printed


def test_the_table_of_refusals_is_printed_written_or_checked(pemudik: Pemudik, tmp_path: Path) -> None:
    file = tmp_path / "refusals.md"
    assert pemudik("schema", "refusals", "-").output == refusals.page()
    stale = "pemudik: refusals.md is not what this program refuses: run `pemudik schema refusals`.\n"
    assert pemudik("schema", "refusals", "--check", str(file), code=1).stderr == stale
    assert pemudik("schema", "refusals", str(file)).output == ""
    assert file.read_text() == refusals.page()
    assert pemudik("schema", "refusals", "--check", str(file)).output == ""


def test_checking_writes_nothing(pemudik: Pemudik, tmp_path: Path) -> None:
    file = tmp_path / "old.graphql"
    stale = "pemudik: old.graphql is not the schema of this program: run `pemudik schema export`.\n"
    assert pemudik("schema", "export", "--check", str(file), code=1).stderr == stale
    assert not file.exists()
    file.write_text("type Query { old: Int }\n")
    assert pemudik("schema", "export", "--check", str(file), code=1).stderr == stale
    file.write_text(schema.sdl())
    assert pemudik("schema", "export", "--check", str(file)).output == ""
