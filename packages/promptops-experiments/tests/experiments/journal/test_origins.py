"""Experiments of several servers lie in one journal, and journals of the format before become journals of this one."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from promptops.core.errors import ConflictError, NotFoundError, ValidationError
from promptops.experiments.journal import ExperimentHeld, Journal, JournalError, RunPlan, UnitRecord
from promptops.experiments.journal import _schema as schema

A, B = "http://a.test", "http://b.test"
MakePlan = Callable[..., RunPlan]
MakeUnit = Callable[..., UnitRecord]

FORMAT_1 = """CREATE TABLE experiments(
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, dataset_id TEXT NOT NULL, name TEXT NOT NULL,
    record TEXT NOT NULL, UNIQUE(dataset_id, name))"""
RECORD_1 = (
    '{"id":"%s","plan":{"name":"%s","dataset_id":"d","fingerprint":{"task":"task-1"},"units":1},"created_at":1.5,'
    '"remote_id":"remote"}'
)


@pytest.fixture
def plan_at(make_plan: MakePlan) -> MakePlan:
    def make(origin: str, name: str = "first", *, dataset_id: str = "dataset") -> RunPlan:
        return msgspec.structs.replace(make_plan(name, dataset_id=dataset_id), origin=origin)

    return make


@pytest.fixture
def old(path: Path) -> Path:
    """A journal as the first format has it: a gap in the numbers, and two experiments with a unit each."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for statement in (FORMAT_1, *schema.SCHEMA[1:]):
            connection.execute(statement)
        for number, name in ((2, "one"), (7, "two")):
            row = (number, f"exp-{name}", "d", name, RECORD_1 % (f"exp-{name}", name))
            connection.execute("INSERT INTO experiments VALUES (?, ?, ?, ?, ?)", row)
            unit = "INSERT INTO units(experiment, example, repetition, state, output, attempts, revision)"
            connection.execute(f"{unit} VALUES (?, 'x', 1, 'done', ?, 1, 1)", (number, f'"{name}"'))
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
    return path


def format_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_journal_of_the_format_before_keeps_every_experiment_with_its_rows(old: Path, plan_at: MakePlan) -> None:
    with Journal.open(old) as journal:
        found = {record.plan.name: record for record in journal.experiments()}
        assert {name: next(journal.units(record.id)).value for name, record in found.items()} == {
            "one": "one",
            "two": "two",
        }
        assert {(record.plan.origin, record.remote_id) for record in found.values()} == {("", "remote")}
        with pytest.raises(ConflictError):
            journal.begin(plan_at(A, "one", dataset_id="d"))
        journal.begin(plan_at(A, "three", dataset_id="d")).close()
    assert format_of(old) == schema.SCHEMA_VERSION
    with Journal.open(old) as journal:
        assert [record.plan.name for record in journal.experiments()] == ["one", "two", "three"]


def test_journal_that_cannot_become_one_of_this_format_stays_as_it_was(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setitem(schema.MIGRATIONS, 1, (*schema.MIGRATIONS[1], "INSERT INTO nothing VALUES (1)"))
        with pytest.raises(JournalError, match="nothing"):
            Journal.open(old)
    assert format_of(old) == 1
    with Journal.open(old) as journal:
        assert [next(journal.units(record.id)).value for record in journal.experiments()] == ["one", "two"]


def test_name_is_taken_once_per_dataset_of_a_server(journal: Journal, plan_at: MakePlan) -> None:
    journal.begin(plan_at(A)).close()
    journal.begin(plan_at(B)).close()
    for origin in (A, B, ""):
        with pytest.raises(ConflictError, match="resume it"):
            journal.begin(plan_at(origin))
    with pytest.raises(ConflictError, match="resume it"):
        journal.begin(plan_at("http://c.test"), unique_ids=True)
    assert [journal.get("first", origin=origin).plan.origin for origin in (A, B)] == [A, B]
    with pytest.raises(ValidationError, match="2 experiments are named 'first'"):
        journal.get("first")


def test_what_is_of_other_servers_alone_is_not_found_by_name_or_id_and_they_are_named(
    journal: Journal, plan_at: MakePlan
) -> None:
    for origin in (A, B):
        journal.begin(plan_at(origin)).close()
    [ident, _] = [record.id for record in journal.experiments()]
    with pytest.raises(
        NotFoundError, match=r"http://c\.test, only of the one at http://a\.test and http://b"
    ) as caught:
        journal.get("first", origin="http://c.test")
    assert caught.value.details["origins"] == [A, B]
    with pytest.raises(NotFoundError, match=r"http://a\.test"):
        journal.get(ident, origin=B)
    with pytest.raises(NotFoundError, match=r"http://a\.test"):
        journal.resume(ident, plan_at(B))
    assert journal.get(ident).plan.origin == A


def test_experiment_that_is_known_to_be_of_a_server_goes_before_one_that_may_be(
    journal: Journal, plan_at: MakePlan
) -> None:
    with journal.begin(plan_at(B)) as moving:
        journal.begin(plan_at(A)).close()
        moving.set_origin("")
    assert journal.get("first", origin=A).plan.origin == A
    assert not journal.get("first", origin=B).plan.origin


def test_server_moves_with_all_its_experiments_and_no_other(
    journal: Journal, plan_at: MakePlan, make_unit: MakeUnit
) -> None:
    for origin, name in ((A, "one"), (A, "two"), (B, "three"), ("", "four")):
        with journal.begin(plan_at(origin, name)) as run:
            run.append_outputs(make_unit(1, output=f'"{name}"'))
    assert journal.move_server(A, "http://new.test/v1/") == 2
    assert journal.move_server(A, A) == 0
    found = {record.plan.name: record.plan.origin for record in journal.experiments()}
    assert found == {"one": "http://new.test", "two": "http://new.test", "three": B, "four": ""}
    assert [next(journal.units(name)).value for name in found] == list(found)


def test_server_does_not_move_onto_another_or_during_a_run(journal: Journal, path: Path, plan_at: MakePlan) -> None:
    journal.begin(plan_at(A)).close()
    with journal.begin(plan_at(B)), Journal.open(path) as other, pytest.raises(ExperimentHeld, match=f"{os.getpid()}"):
        other.move_server(B, "http://c.test")
    with pytest.raises(ConflictError, match="delete one of the two"):
        journal.move_server(A, B)
    assert sorted(record.plan.origin for record in journal.experiments()) == [A, B]
