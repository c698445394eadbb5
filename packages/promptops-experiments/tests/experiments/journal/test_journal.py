"""What a journal acknowledged is in it, once, and nothing that was paid for is replaced by accident."""

from __future__ import annotations

import os
import stat
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from promptops.core.errors import ConflictError, NotFoundError, ValidationError
from promptops.experiments.journal import (
    ExperimentHeld,
    Journal,
    JournalClosed,
    RunPlan,
    ScoreRecord,
    UnitKey,
    UnitRecord,
    default_journal_path,
)
from promptops.models.experiments import Evaluation

Make = Callable[..., UnitRecord]
MakePlan = Callable[..., RunPlan]
MakeScore = Callable[..., ScoreRecord]


def test_rows_come_back_as_they_were_after_the_file_was_closed(
    path: Path, make_plan: MakePlan, make_unit: Make
) -> None:
    unit = make_unit(
        1,
        2,
        output='{"a": [1, "☃"]}',
        service_s=0.5,
        waiting_s=1.5,
        attempts=3,
        cost=0.25,
        usage={"input_tokens": 5},
        fingerprint="f",
        started_at=1.0,
        finished_at=2.0,
        fields={"promptops.trace_id": "t"},
    )
    said = Evaluation(
        score=0.5,
        label="half",
        explanation="why",
        cost=0.1,
        usage={"input_tokens": 1},
        duration_ms=3.0,
        parts={"tone": Evaluation(label="kind")},
    )
    score = ScoreRecord(evaluator="judge", evaluation=said, fingerprint="e", cost=0.1, seconds=0.2)
    with Journal.open(path) as journal, journal.begin(make_plan()) as run:
        run.append_outputs(unit)
        run.append_scores(unit.key, [score]).wait(10)
    with Journal.open(path) as journal:
        [found] = journal.units("first")
    assert found.value == {"a": [1, "☃"]}
    assert found.scores == {"judge": score}
    for name in set(UnitRecord.__struct_fields__) - {"scores", "revision"}:
        assert getattr(found, name) == getattr(unit, name), name


def test_output_is_never_replaced_unless_asked(journal: Journal, make_plan: MakePlan, make_unit: Make) -> None:
    with journal.begin(make_plan()) as run:
        run.append_outputs(make_unit(1, output='"first"')).wait(10)
        with pytest.raises(ConflictError, match="replace=True"):
            run.append_outputs(make_unit(2), make_unit(1, output='"second"'))
        assert [unit.value for unit in run.finished()] == ["first"]
        run.append_outputs(make_unit(1, output='"second"'), replace=True).wait(10)
        assert [(unit.value, unit.attempts) for unit in run.finished()] == [("second", 2)]


def test_later_attempt_replaces_a_failed_one_with_its_scores(
    journal: Journal, make_plan: MakePlan, make_unit: Make, make_score: MakeScore
) -> None:
    with journal.begin(make_plan()) as run:
        run.append_outputs(make_unit(1, output=None, attempts=2))
        run.append_scores(UnitKey("ex-1", 1), [make_score("of the failure", 0.0)])
        run.append_outputs(make_unit(1, output='"better"'))
        run.append_scores(UnitKey("ex-1", 1), [make_score("exact")]).wait(10)
        [unit] = run.units()
    assert (unit.state, unit.value, unit.error, unit.attempts) == ("done", "better", None, 3)
    assert list(unit.scores) == ["exact"]


def test_unscored_units_are_those_without_a_score_of_that_version(
    journal: Journal, make_plan: MakePlan, make_unit: Make, make_score: MakeScore
) -> None:
    with journal.begin(make_plan()) as run:
        run.append_outputs(*(make_unit(number) for number in range(4)), make_unit(4, output=None))
        run.append_scores(UnitKey("ex-0", 1), [make_score(fingerprint="new")])
        run.append_scores(UnitKey("ex-1", 1), [make_score(fingerprint="old")])
        run.append_scores(UnitKey("ex-2", 1), [make_score(score=None, fingerprint="new")]).wait(10)

        def ids(**options: object) -> list[str]:
            return [unit.example_id for unit in run.unscored("exact", **options)]  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] # each test of a combination names its options

        assert ids() == ["ex-3"]
        assert ids(fingerprint="new") == ["ex-1", "ex-3"]
        assert ids(errors=True) == ["ex-2", "ex-3"]
        assert ids(failed=True) == ["ex-3", "ex-4"]


def test_row_is_uploaded_again_after_it_changed(
    journal: Journal, make_plan: MakePlan, make_unit: Make, make_score: MakeScore
) -> None:
    with journal.begin(make_plan()) as run:
        run.append_outputs(make_unit(1), make_unit(2)).wait(10)
        read = list(run.not_uploaded())
        # Scored between the read and the acknowledgement: the server has not seen this score.
        run.append_scores(UnitKey("ex-1", 1), [make_score()])
        run.append_uploaded(read).wait(10)
        assert [unit.example_id for unit in run.not_uploaded()] == ["ex-1"]
        run.append_uploaded(list(run.not_uploaded())).wait(10)
        assert list(run.not_uploaded()) == []


def test_a_few_rows_to_be_uploaded_are_found_by_their_keys_in_the_order_of_the_journal(
    journal: Journal, make_plan: MakePlan, make_unit: Make, make_score: MakeScore
) -> None:
    with journal.begin(make_plan("other")) as other, journal.begin(make_plan()) as run:
        other.append_outputs(make_unit(3)).wait(10)
        run.append_outputs(*(make_unit(number, repetition) for repetition in (1, 2) for number in range(700)))
        run.append_scores(UnitKey("ex-3", 2), [make_score()])
        run.append_scores(UnitKey("ex-4", 2), [make_score("another")]).wait(10)
        run.append_uploaded([unit for unit in run.units() if unit.key == UnitKey("ex-5", 1)]).wait(10)
        asked = [UnitKey("ex-3", 2), UnitKey("ex-699", 1), UnitKey("ex-5", 1), UnitKey("absent", 1), UnitKey("ex-0", 1)]
        found = list(run.not_uploaded(keys=asked))
        assert [unit.key for unit in found] == [UnitKey("ex-0", 1), UnitKey("ex-699", 1), UnitKey("ex-3", 2)]
        everything = {unit.key: unit for unit in run.not_uploaded()}
        assert found == [everything[unit.key] for unit in found]
        assert list(found[2].scores) == ["exact"]


def test_row_waits_for_its_scores_before_it_is_to_be_uploaded(
    journal: Journal, make_plan: MakePlan, make_unit: Make, make_score: MakeScore
) -> None:
    with journal.begin(make_plan()) as run:
        run.append_outputs(make_unit(1), make_unit(2), make_unit(3, output=None))
        run.append_scores(UnitKey("ex-1", 1), [make_score()]).wait(10)
        assert [unit.example_id for unit in run.not_uploaded(["exact"])] == ["ex-1", "ex-3"]


def test_long_lists_are_read_in_pages_without_a_gap(journal: Journal, make_plan: MakePlan, make_unit: Make) -> None:
    big = f'"{"x" * 3_000_000}"'
    with journal.begin(make_plan()) as run:
        run.append_outputs(*(make_unit(number) for number in range(1200)))
        run.append_outputs(*(make_unit(number, output=big) for number in range(1200, 1204))).wait(30)
        assert [unit.example_id for unit in run.units()] == [f"ex-{number}" for number in range(1204)]
        assert run.counts() == {"done": 1204, "failed": 0}


def test_reader_does_not_hold_the_file_while_its_consumer_thinks(
    journal: Journal, make_plan: MakePlan, make_unit: Make
) -> None:
    with journal.begin(make_plan()) as run:
        run.append_outputs(*(make_unit(number) for number in range(1000))).wait(10)
        reading = run.units()
        next(reading)
        assert journal.transaction(lambda connection: connection.execute("SELECT 1").fetchone()) == (1,)
        run.append_outputs(make_unit(5000)).wait(10)
        assert len(list(reading)) == 1000


def test_threads_that_append_at_once_share_commits(journal: Journal, make_plan: MakePlan, make_unit: Make) -> None:
    with journal.begin(make_plan()) as run:

        def work(start: int) -> None:
            for number in range(start, start + 50):
                run.append_outputs(make_unit(number)).wait(30)

        threads = [threading.Thread(target=work, args=(start,)) for start in range(0, 400, 50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert run.counts()["done"] == 400
        assert sorted(unit.example_id for unit in run.units()) == sorted(f"ex-{number}" for number in range(400))


def test_name_is_taken_once_per_dataset(journal: Journal, make_plan: MakePlan) -> None:
    journal.begin(make_plan()).close()
    with pytest.raises(ConflictError, match="resume it"):
        journal.begin(make_plan())
    journal.begin(make_plan(dataset_id="other")).close()
    with pytest.raises(ValidationError, match="2 experiments are named 'first'"):
        journal.get("first")
    assert journal.get("first", dataset_id="other").plan.dataset_id == "other"


def test_absent_experiment_is_named_with_what_is_close(journal: Journal, make_plan: MakePlan) -> None:
    journal.begin(make_plan("baseline")).close()
    with pytest.raises(NotFoundError, match="did you mean 'baseline'"):
        journal.get("baselin")


def test_experiment_is_held_once_and_the_refusal_names_the_holder(
    journal: Journal, path: Path, make_plan: MakePlan
) -> None:
    with journal.begin(make_plan()), Journal.open(path) as other:
        with pytest.raises(ExperimentHeld, match=f"process {os.getpid()}") as caught:
            other.resume("first")
        assert caught.value.holder["pid"] == os.getpid()
        with pytest.raises(ExperimentHeld):
            other.delete("first")
    journal.resume("first").close()


def test_two_open_journals_write_to_one_file(
    journal: Journal, path: Path, make_plan: MakePlan, make_unit: Make
) -> None:
    with Journal.open(path) as other, journal.begin(make_plan("a")) as one, other.begin(make_plan("b")) as two:
        for number in range(50):
            commits = [run.append_outputs(make_unit(number)) for run in (one, two)]
            for commit in commits:
                commit.wait(30)
        assert one.counts() == two.counts() == {"done": 50, "failed": 0}


def test_deleted_experiment_leaves_no_row(
    journal: Journal, make_plan: MakePlan, make_unit: Make, make_score: MakeScore
) -> None:
    with journal.begin(make_plan(examples={"ex-1": "d"})) as run:
        run.append_outputs(make_unit(1))
        run.append_scores(UnitKey("ex-1", 1), [make_score()])
        run.append_uploaded([make_unit(1)]).wait(10)
    journal.delete("first")
    with journal.reading() as connection:
        for table in ("experiments", "units", "scores", "uploads", "fingerprints"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_finish_and_remote_id_are_remembered(journal: Journal, make_plan: MakePlan) -> None:
    with journal.begin(make_plan()) as run:
        run.set_remote_id("remote")
        run.finish()
    found = journal.get("first")
    assert found.remote_id == "remote"
    assert found.finished_at is not None


def test_files_are_private(path: Path, make_plan: MakePlan, make_unit: Make) -> None:
    before = os.umask(0)
    try:
        with Journal.open(path) as journal, journal.begin(make_plan()) as run:
            run.append_outputs(make_unit(1)).wait(10)
            files = [found for found in path.parent.rglob("*") if found.is_file()]
            assert len(files) >= 4
            assert {stat.S_IMODE(found.stat().st_mode) for found in files} == {0o600}
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_nothing_is_left_running_or_open_after_close(path: Path, make_plan: MakePlan, make_unit: Make) -> None:
    def open_files() -> set[str]:
        return {str(found.readlink()) for found in Path("/proc/self/fd").iterdir() if found.exists()}

    threads = set(threading.enumerate())  # some of which may be ending
    before = open_files()
    journal = Journal.open(path)
    run = journal.begin(make_plan())
    run.append_outputs(make_unit(1))
    run.close()
    run.close()
    journal.close()
    journal.close()
    assert not set(threading.enumerate()) - threads
    assert not {found for found in open_files() - before if str(path.parent) in found}
    with pytest.raises(JournalClosed):
        run.append_outputs(make_unit(2))


def test_forked_child_is_refused_and_harms_nothing(journal: Journal, make_plan: MakePlan, make_unit: Make) -> None:
    with journal.begin(make_plan()) as run:
        run.append_outputs(make_unit(1)).wait(10)
        with warnings.catch_warnings():
            # Newer versions of Python warn of forks beside threads, which is what this is about.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            try:
                run.append_outputs(make_unit(2))
            except JournalClosed:
                journal.close()
                os._exit(7)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        run.append_outputs(make_unit(3)).wait(10)
        assert [unit.example_id for unit in run.units()] == ["ex-1", "ex-3"]


def test_default_path_is_told_by_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROMPTOPS_JOURNAL", str(tmp_path / "mine.sqlite3"))
    assert default_journal_path() == tmp_path / "mine.sqlite3"
    monkeypatch.delenv("PROMPTOPS_JOURNAL")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert default_journal_path() == tmp_path / "promptops" / "journal.sqlite3"
