"""The embedded PostgreSQL takes a quarter of the memory, and never more than 2 GB."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.embedded import postgres, sizing

GB = 2**30


@pytest.mark.parametrize(
    ("memory", "free_disk", "buffers", "wal"),
    [
        (32 * 2**20, 0, "16MB", "128MB"),
        (GB, 10 * GB, "256MB", "512MB"),
        (4 * GB, 40 * GB, "1024MB", "2048MB"),
        (8 * GB, 80 * GB, "2048MB", "4096MB"),
        (512 * GB, 4_000 * GB, "2048MB", "4096MB"),
    ],
)
def test_it_is_sized_to_its_machine(memory: int, free_disk: int, buffers: str, wal: str) -> None:
    assert sizing.sized(memory, free_disk) == {"shared_buffers": buffers, "max_wal_size": wal}


def test_the_limit_of_a_container_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limited, unlimited = tmp_path / "limited", tmp_path / "unlimited"
    limited.write_text(f"{GB}\n")
    unlimited.write_text("max\n")
    monkeypatch.setattr(sizing, "LIMITS_OF_CONTAINERS", (unlimited, tmp_path / "absent"))
    of_the_machine = sizing.memory_bytes()
    assert of_the_machine > 2**24
    monkeypatch.setattr(sizing, "LIMITS_OF_CONTAINERS", (limited, unlimited))
    assert sizing.memory_bytes() == min(of_the_machine, GB)


def test_a_cluster_that_stays_is_sized_and_one_that_is_thrown_away_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizing, "memory_bytes", lambda: GB)
    kept = postgres.server_command(tmp_path / "data", 5432, durable=True)
    assert "shared_buffers=256MB" in kept
    assert any(one.startswith("max_wal_size=") for one in kept)
    thrown_away = postgres.server_command(tmp_path / "data", 5432, durable=False)
    assert not any(one.startswith(("shared_buffers", "max_wal_size")) for one in thrown_away)
