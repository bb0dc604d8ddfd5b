"""As whom PostgreSQL is run."""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path

import pytest

from app.embedded import run_as
from app.embedded.run_as import RunAs


def test_an_unknown_user_gets_a_group_of_its_own_number() -> None:
    assert run_as.somebody(54321) == RunAs(options={"user": 54321, "group": 54321, "extra_groups": []}, owner=54321)


def test_root_runs_an_existing_cluster_as_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    owner = tmp_path.stat().st_uid
    expected = run_as.somebody(owner) if owner else run_as.namespaced() or run_as.somebody(run_as.nobody())
    assert run_as.who_runs(tmp_path) == expected
    assert run_as.who_runs(tmp_path / "none") == (run_as.namespaced() or run_as.somebody(run_as.nobody()))


def test_a_named_user_runs_it_as_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", run_as.nobody)
    assert run_as.who_runs(tmp_path) == RunAs()


def test_a_nameless_user_gets_a_name_in_a_namespace_where_there_are_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert run_as.who_runs(tmp_path) == (run_as.namespaced() or RunAs())
    monkeypatch.setattr(run_as, "namespaced", lambda: None)
    assert run_as.who_runs(tmp_path) == RunAs()


def test_a_kernel_without_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert run_as.namespaced() is None


def test_without_a_nobody_anybody_but_root_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: str) -> pwd.struct_passwd:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwnam", unknown)
    assert run_as.nobody() != 0
    monkeypatch.setattr(pwd, "getpwall", list)
    assert run_as.nobody() == run_as.NOBODY_UID
