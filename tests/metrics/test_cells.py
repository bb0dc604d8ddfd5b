"""Figures of several processes: none lost, none twice, whoever ends however."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.metrics.cells import CELLS, FIRST, PID, SPILT, Cells, Name

HITS = Name("hits", ("a",))
HELD = Name("held", (), live=True)
TIMES = Name("times", ("x", "y"), width=5)


def told(cells: Cells) -> list[tuple[str, bool, dict[Name, list[float]]]]:
    return [(slot.number, slot.alive, dict(slot.blocks())) for slot in cells.slots()]


def count(cells: Cells, name: Name, by: float = 1, at: int = 0) -> None:
    cells.values[cells.place(name) + at] += by


@pytest.mark.parametrize("shared", [True, False])
def test_a_block_is_found_again_by_its_name(shared: bool, tmp_path: Path) -> None:
    cells = Cells(tmp_path if shared else None)
    count(cells, HITS)
    count(cells, TIMES, 2.5, at=4)
    count(cells, HITS)
    assert cells.place(HITS) == FIRST
    assert cells.place(TIMES) == FIRST + 1
    assert cells.values[PID] == os.getpid()
    assert told(cells) == [("0", True, {HITS: [2], TIMES: [0, 0, 0, 0, 2.5]})]
    cells.close()


def test_processes_at_a_time_have_a_slot_each(tmp_path: Path) -> None:
    one, other = Cells(tmp_path), Cells(tmp_path)
    count(one, HITS, 2)
    count(other, HITS, 3)
    expected = [("0", True, {HITS: [2]}), ("1", True, {HITS: [3]})]
    assert told(one) == expected
    assert told(other) == expected
    one.close()
    other.close()


def test_a_process_goes_on_where_the_one_before_it_stopped(tmp_path: Path) -> None:
    gone = Cells(tmp_path)
    for name in (HITS, HELD, TIMES):
        count(gone, name, 7)
    gone.close()
    after = Cells(tmp_path)
    count(after, HITS)
    count(after, TIMES, 1, at=1)
    # What the one before it held, it holds no more.
    assert told(after) == [("0", True, {HITS: [8], HELD: [0], TIMES: [7, 1, 0, 0, 0]})]
    after.close()


def test_a_process_that_has_ended_is_not_alive(tmp_path: Path) -> None:
    gone, stays = Cells(tmp_path), Cells(tmp_path)
    count(gone, HITS, 4)
    gone.close()
    assert told(stays) == [("0", False, {HITS: [4]}), ("1", True, {})]
    stays.close()


def test_a_name_that_was_cut_off_has_no_figures(tmp_path: Path) -> None:
    gone = Cells(tmp_path)
    count(gone, HITS, 4)
    gone.close()
    with (tmp_path / "0.names").open("ab") as file:
        file.write(b'["times",["x"')
    after = Cells(tmp_path)
    assert told(after) == [("0", True, {HITS: [4]})]
    count(after, TIMES, 5)
    after.close()
    third = Cells(tmp_path)
    assert told(third) == [("0", True, {HITS: [4], TIMES: [5, 0, 0, 0, 0]})]
    third.close()


def test_one_that_has_just_begun_has_no_figures(tmp_path: Path) -> None:
    cells = Cells(tmp_path)
    (tmp_path / "1.names").touch()
    (tmp_path / "2.names").touch()
    (tmp_path / "2.values").touch()
    assert told(cells) == [("0", True, {}), ("1", False, {}), ("2", False, {})]
    assert [slot.values[PID] for slot in cells.slots()] == [os.getpid(), 0, 0]
    cells.close()


def test_what_finds_no_room_spills() -> None:
    cells = Cells()
    for number in range(CELLS - FIRST):
        cells.place(Name("hits", (str(number),)))
    count(cells, HITS, 3)
    count(cells, TIMES, 2, at=4)
    assert cells.place(HITS) == SPILT
    [slot] = cells.slots()
    assert slot.spilt == 5
    assert sum(sum(block) for _, block in slot.blocks()) == 0
