from __future__ import annotations

from pathlib import Path

from app.cli import refusals
from app.graphql import schema
from tests.cli.conftest import Pemudik


def test_the_schema_is_printed_or_written(pemudik: Pemudik, tmp_path: Path) -> None:
    file = tmp_path / "schema.graphql"
    assert pemudik("schema", "export", "-").output == schema.sdl()
    assert pemudik("schema", "export", str(file)).output == ""
    assert file.read_text() == schema.sdl()


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
