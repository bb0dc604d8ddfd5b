from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Pemudik


def test_a_season_is_loaded_from_the_ministrys_table(pemudik: Pemudik, table: Path) -> None:
    assert pemudik("season", "load", str(table)).output == "Season 2024: 2 organizers.\n"
    assert json.loads(pemudik("season", "load", str(table), "--json").output) == {
        "season": 2024,
        "organizers": ["hubdat", "dishub-dki"],
        "errors": [],
    }


def test_the_good_rows_load_and_the_others_are_told(pemudik: Pemudik, table: Path) -> None:
    with table.open("a") as file:
        file.write("3,Not a code,Somebody,2024-03-05,,,,,\n")
    result = pemudik("season", "load", str(table), code=1)
    assert result.stdout == "Season 2024: 2 organizers.\n"
    assert result.stderr.startswith("pemudik: organizers.csv line 4, code: ")
    (error,) = json.loads(pemudik("season", "load", str(table), "--json", code=1).stdout)["errors"]
    assert (error["line"], error["column"]) == (4, "code")


def test_the_season_and_its_end_can_be_given(pemudik: Pemudik, table: Path) -> None:
    pemudik("season", "load", str(table), "--season", "2024", "--ends-on", "2024-05-31")


def test_a_file_that_is_no_utf8_is_refused(pemudik: Pemudik, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"\xff\xfe\x00")
    assert pemudik("season", "load", str(file), code=1).stderr == (
        "pemudik: a.csv is not UTF-8: save it as “CSV UTF-8”.\n"
    )


def test_a_file_that_is_not_there_is_said(pemudik: Pemudik, tmp_path: Path) -> None:
    missing = tmp_path / "none.csv"
    result = pemudik("season", "load", str(missing), code=1)
    assert result.stderr == f"pemudik: {missing} cannot be read: No such file or directory.\n"


def test_organizers_are_listed_with_their_windows(pemudik: Pemudik, table: Path) -> None:
    pemudik("season", "load", str(table))
    heads, dki, hubdat = pemudik("organizer", "list").output.splitlines()
    assert heads.split() == ["code", "name", "coordinator", "schemes", "days", "windows"]
    assert dki.split() == [
        "dishub-dki",
        "Dishub",
        "Prov.",
        "DKI",
        "Jakarta",
        "-",
        "GRAPHQL",
        "-",
        "2024-03-13..2024-03-24",
    ]
    assert hubdat.split()[-2:] == ["7", "2024-03-05..2024-04-07"]
    listed = json.loads(pemudik("organizer", "list", "--season", "2024", "--json").output)
    assert [one["code"] for one in listed] == ["dishub-dki", "hubdat"]
    assert listed[1]["policy"]["verify_within_days"] == 7


def test_an_organizer_is_added_and_changed(pemudik: Pemudik, table: Path) -> None:
    pemudik("season", "load", str(table))
    pemudik("organizer", "save", "bumn-satu", "--name", "BUMN Satu", "--coordinator", "hubdat", "--scheme", "EXCEL")
    saved = json.loads(
        pemudik(
            "organizer", "save", "bumn-satu", "--verify-within", "3", "--no-block", "--no-show-after", "60", "--json"
        ).output
    )
    assert saved[0]["name"] == "BUMN Satu"
    assert (saved[0]["coordinator"], saved[0]["schemes"]) == ("hubdat", ["EXCEL"])
    policy = saved[0]["policy"]
    assert (policy["verify_within_days"], policy["block_when_forfeited"], policy["no_show_after_minutes"]) == (
        3,
        False,
        60,
    )
    alone = json.loads(
        pemudik("organizer", "save", "bumn-satu", "--coordinator", "", "--verify-within", "0", "--json").output
    )
    assert alone[0]["coordinator"] is None
    assert alone[0]["policy"]["verify_within_days"] is None


def test_deadlines_are_decided(pemudik: Pemudik, table: Path) -> None:
    pemudik("season", "load", str(table))

    def saved(*options: str) -> tuple[object, ...]:
        [one] = json.loads(pemudik("organizer", "save", "hubdat", *options, "--json").output)
        names = ("news_grace_hours", "late_arrival_days", "forfeit_at_period_end", "refuse_early_verification")
        return tuple(one["policy"][name] for name in names)

    assert saved() == (None, 2, True, False)
    decided = saved(
        "--news-grace", "0", "--late-arrival", "9", "--no-forfeit-at-period-end", "--refuse-early-verification"
    )
    assert decided == (0, 9, False, True)
    [one] = json.loads(pemudik("organizer", "save", "hubdat", "--hold-percent", "20", "--json").output)
    assert one["policy"]["hold_percent"] == 20
    assert saved("--news-grace", "-1", "--no-refuse-early-verification") == (None, 9, False, False)
    assert pemudik("organizer", "save", "hubdat", "--news-grace", "73", code=1).stderr.endswith("(INVALID_VALUE)\n")


def test_a_new_organizer_needs_a_name(pemudik: Pemudik, table: Path) -> None:
    pemudik("season", "load", str(table))
    result = pemudik("organizer", "save", "bumn-satu", code=1)
    assert result.stderr == "pemudik: There is no organizer bumn-satu yet: give its --name.\n"


def test_without_a_season_there_is_nothing_to_list(pemudik: Pemudik) -> None:
    result = pemudik("organizer", "list", code=1)
    assert result.stdout == ""
    assert result.stderr.endswith("(NOT_FOUND)\n")


def test_a_season_is_closed_once_and_for_all(pemudik: Pemudik, table: Path) -> None:
    pemudik("season", "load", str(table))
    assert pemudik("season", "close", "2024").stdout == "Season 2024 is closed.\n"
    closed = json.loads(pemudik("season", "close", "2024", "--json").stdout)
    assert (closed["year"], closed["closed_at"] is None) == (2024, False)
    assert pemudik("season", "close", "1999", code=1).stderr.endswith("(NOT_FOUND)\n")
