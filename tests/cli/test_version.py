"""`pemudik --version` says what is installed, and needs no database."""

from __future__ import annotations

from importlib import metadata

from typer.testing import CliRunner

from app import cli


def test_it_says_the_version_of_the_installed_package() -> None:
    result = CliRunner().invoke(cli.app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"pemudik {metadata.version('pemudik')}\n")
