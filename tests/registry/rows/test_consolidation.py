"""The checksum as anybody can work it out; what it is of is asked for in tests/graphql/test_imports.py."""

import re
import shutil
import subprocess
from datetime import date

import pytest

from app.config import CHECKOUT
from app.db import Database
from app.errors import NotFound, RefusalError
from app.registry.rows import consolidation
from app.vault.vault import Vault
from tests.world import HUBDAT

PAGE = CHECKOUT / "docs" / "decisions" / "imports.md"


def example() -> tuple[str, list[str], str]:
    """The command of the page, its lines and its answer."""
    found = re.search(r"```sh\n(printf '(.*)' \| LC_ALL=C sort \| sha256sum)\n# ([0-9a-f]{64})\n```", PAGE.read_text())
    assert found is not None
    command, lines, answer = found.groups()
    return command, lines.replace("\\n", "\n").splitlines(keepends=True), answer


def test_the_checksum_is_that_of_the_sorted_lines() -> None:
    _, lines, answer = example()
    assert len(lines) == 2
    assert consolidation.checksum(lines) == consolidation.checksum(lines[::-1]) == answer
    assert consolidation.checksum([lines[0].replace("|1", "|2"), lines[1]]) != answer


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="GNU coreutils are not here")
def test_the_command_of_the_page_answers_what_the_page_says() -> None:
    command, _, answer = example()
    said = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
    assert said.split()[0] == answer


@pytest.mark.anyio
async def test_without_any_season_there_is_nothing_to_tell(database: Database, vault: Vault) -> None:
    async with database.transaction() as session:
        with pytest.raises(RefusalError) as refused:
            await consolidation.summary(session, vault, HUBDAT, "hubdat", date(2026, 3, 5))
    assert refused.value.refusal == NotFound("season")
