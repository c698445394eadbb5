"""The pytest plugin in test runs of its own: processes, files, workers, a server."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import msgspec
import pytest
from promptops.core import RuntimeConfig, SyncRuntime
from promptops.core.bridge import drive
from promptops.experiments import AsyncExperiments, ExperimentResult
from promptops.experiments.journal import Journal
from promptops.experiments.reports import journaled_result
from promptops.server import EmbeddedServer

pytest_plugins = ["pytester"]

README = Path(__file__).parents[3] / "packages" / "promptops-experiments" / "README.md"

Run = Callable[..., pytest.RunResult]

CAPITALS = """
import pytest
from promptops.experiments import Gate, exact_match

CASES = [("France", "Paris"), ("Japan", "Tokyo"), ("Peru", "Lima"), ("Mali", "Bamako")]
KNOWN = dict(CASES)

@pytest.mark.promptops_experiment("capitals", repetitions=2, evaluators=[exact_match()])
@pytest.mark.parametrize(("country", "expected"), CASES)
def test_capitals(country, expected, experiment):
    experiment.log(output=KNOWN[country], cost=0.5)
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs pytest in a process of its own over a file of tests, with a journal beside it."""
    for variable in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PROMPTOPS_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PROMPTOPS_JOURNAL", str(pytester.path / "journal.sqlite3"))

    def go(code: str, *arguments: str) -> pytest.RunResult:
        pytester.makepyfile(test_it=code)
        pytester.makeini("[pytest]\naddopts = --strict-markers -W error")
        return pytester.runpytest_subprocess("-p", "promptops.experiments_pytest", *arguments, timeout=120)

    return go


def stored(pytester: pytest.Pytester) -> list[str]:
    path = pytester.path / "journal.sqlite3"
    if not path.exists():
        return []
    with Journal.open(path) as journal:
        return [record.plan.name for record in journal.experiments()]


def result_of(pytester: pytest.Pytester, name: str) -> ExperimentResult:
    return journaled_result(name, journal=pytester.path / "journal.sqlite3")


WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])


@WORKERS
def test_cases_are_examples_and_repetitions_are_items(
    run: Run, pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    done = run(CAPITALS, "--promptops-run", "first", *workers)
    assert done.ret == 0
    done.assert_outcomes(passed=8)
    assert stored(pytester) == ["capitals first"]
    result = result_of(pytester, "capitals first")
    assert len(result.rows) == 8
    assert len({(row.example_id, row.repetition) for row in result.rows}) == 8
    assert {row.repetition for row in result.rows} == {1, 2}
    assert (result.mean("exact_match"), result.mean("passed")) == (1.0, 1.0)
    countries = sorted(example["country"] for example in result.examples.values())
    assert countries == ["France", "Japan", "Mali", "Peru"]
    assert sum(row.fields["promptops.cost"] for row in result.rows) == 4
    done.stdout.fnmatch_lines(["*experiments*", "capitals first: 8 rows*", "exact_match*1.0000*", "journal: *"])


def test_a_score_below_its_threshold_fails_the_item(run: Run, pytester: pytest.Pytester) -> None:
    code = CAPITALS.replace("evaluators=[", 'thresholds={"exact_match": 1}, evaluators=[').replace(
        "output=KNOWN[country]", 'output="Lima"'
    )
    done = run(code, "--promptops-run", "first")
    done.assert_outcomes(passed=2, failed=6)
    assert done.ret == 1
    done.stdout.fnmatch_lines(["*exact_match is 0, below its threshold 1*"])
    result = result_of(pytester, "capitals first")
    assert (result.mean("exact_match"), result.mean("passed"), result.failed) == (0.25, 0.25, 0)


def test_without_thresholds_a_low_score_fails_nothing(run: Run) -> None:
    run(CAPITALS.replace("output=KNOWN[country]", 'output="Lima"')).assert_outcomes(passed=8)


@pytest.mark.parametrize(
    ("least", "status", "code", "workers"),
    [(0.1, "pass", 0, ()), (0.99, "fail", 1, ("-n", "2")), (0.3, "inconclusive", 1, ())],
)
def test_gates_set_the_exit_status(run: Run, least: float, status: str, code: int, workers: tuple[str, ...]) -> None:
    text = CAPITALS.replace("repetitions=2", f'gates=[Gate(metric="exact_match", min_mean={least})]').replace(
        "output=KNOWN[country]", 'output="Lima" if country in ("Peru", "Mali") else "Paris"'
    )
    done = run(text, *workers)
    done.assert_outcomes(passed=4)
    assert done.ret == code
    done.stdout.fnmatch_lines([f"verdict: {status}"])


def test_an_inconclusive_gate_passes_when_told(run: Run) -> None:
    text = CAPITALS.replace("repetitions=2", 'gates=[Gate(metric="exact_match", min_mean=0.9)], inconclusive="pass"')
    done = run(text)
    assert done.ret == 0
    done.stdout.fnmatch_lines(["verdict: inconclusive"])


def test_a_run_is_compared_with_the_one_before(run: Run, pytester: pytest.Pytester) -> None:
    text = CAPITALS.replace(
        "repetitions=2", 'baseline="latest", gates=[Gate(metric="exact_match", max_regression=0.2)]'
    )
    text = text.replace("CASES = [", "CASES = [(f'c{n}', f'city {n}') for n in range(40)] + [")
    first = run(text, "--promptops-run", "1")
    assert first.ret == 0
    assert "compared with" not in first.stdout.str()
    worse = run(
        text.replace("output=KNOWN[country]", 'output="?"'), "--promptops-run", "2", "--promptops-report", "r.md"
    )
    assert worse.ret == 1
    worse.stdout.fnmatch_lines(["capitals 2 compared with capitals 1: 44 pairs", "verdict: fail"])
    assert "regressions by <code>exact&#95;match</code>" in (pytester.path / "r.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("where", ["journal", "server"])
def test_the_run_before_is_never_one_of_another_experiment_of_the_dataset(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str
) -> None:
    mine = CAPITALS.replace('"capitals", ', '"capitals", dataset="shared", baseline="latest", ')
    strict = mine.replace('"capitals", ', '"capitals strict", ')
    with EmbeddedServer(tmp_path / "data") if where == "server" else nullcontext() as server:
        options = ("--promptops-server",) if where == "server" else ()
        if server is not None:
            monkeypatch.setenv("PROMPTOPS_BASE_URL", server.url)
        for number, code in enumerate((mine, strict, mine)):
            if where == "server":
                monkeypatch.setenv("PROMPTOPS_JOURNAL", str(pytester.path / f"{number}.sqlite3"))
            done = run(code, "--promptops-run", f"{number}", *options)
            assert done.ret == 0, done.stdout.str()
            compared = [line for line in done.outlines if "compared with" in line]
            assert compared == (["capitals 2 compared with capitals 0: 8 pairs"] if number == 2 else [])


@pytest.mark.parametrize("label", ["build 7", "7 ", "a\tb"])
def test_a_run_whose_name_holds_white_space_is_refused_before_the_tests(
    run: Run, pytester: pytest.Pytester, label: str
) -> None:
    done = run(CAPITALS, "--promptops-run", label)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines([f"*--promptops-run {label!r} holds white space; choose a name without*"])
    assert stored(pytester) == []


def test_a_case_that_changed_is_another_example(run: Run, pytester: pytest.Pytester) -> None:
    run(CAPITALS, "--promptops-run", "1")
    run(CAPITALS.replace('"Lima"', '"Lima city"'), "--promptops-run", "2")
    before, after = result_of(pytester, "capitals 1"), result_of(pytester, "capitals 2")
    shared = {row.example_id for row in before.rows} & {row.example_id for row in after.rows}
    assert len(shared) == 3
    assert len(after.examples) == 5


def test_a_test_that_fails_before_its_output_is_a_failed_row(run: Run, pytester: pytest.Pytester) -> None:
    code = CAPITALS.replace(
        "    experiment.log(", '    if country == "Peru": raise RuntimeError("no answer")\n    experiment.log('
    )
    run(code, "--promptops-run", "1").assert_outcomes(passed=6, failed=2)
    result = result_of(pytester, "capitals 1")
    assert result.failed == 2
    assert {row.error for row in result.rows} == {None, "RuntimeError: no answer"}


def test_an_evaluator_that_fails_fails_its_item_and_keeps_the_output(run: Run, pytester: pytest.Pytester) -> None:
    code = CAPITALS.replace("exact_match()", "broken").replace(
        "CASES =", "def broken(output):\n    raise ValueError('no opinion')\n\nCASES ="
    )
    done = run(code, "--promptops-run", "1")
    done.assert_outcomes(failed=8)
    done.stdout.fnmatch_lines(["*evaluator 'broken' raised ValueError: no opinion*"])
    result = result_of(pytester, "capitals 1")
    assert result.metrics["broken"].errors == 8
    assert {row.output for row in result.rows} == {"Paris", "Tokyo", "Lima", "Bamako"}


def test_scores_are_logged_and_evaluators_run_within_a_test(run: Run, pytester: pytest.Pytester) -> None:
    code = """
import pytest
from promptops.experiments import Evaluation, contains

async def later(output):
    return len(output["text"])

@pytest.mark.promptops_experiment
def test_one(experiment):
    experiment.log(output={"text": "hello"}, scores={"polite": True, "tone": "warm"})
    assert experiment.evaluate(later)["later"].score == 5
    assert experiment.repetition == 1

def test_skipped(experiment):
    pass
"""
    done = run(code, "--promptops-run", "1")
    done.assert_outcomes(passed=1, errors=1)
    done.stdout.fnmatch_lines(["*mark it with @pytest.mark.promptops_experiment*"])
    result = result_of(pytester, "test_one 1")
    (row,) = result.rows
    assert row.value == {"text": "hello"}
    assert row.evaluations["tone"].label == "warm"
    assert row.scores == {"polite": 1.0, "later": 5.0, "passed": 1.0}


def test_a_skipped_item_has_no_row(run: Run, pytester: pytest.Pytester) -> None:
    code = CAPITALS.replace(
        "    experiment.log(", '    if country == "Peru": pytest.skip("not today")\n    experiment.log('
    )
    run(code, "--promptops-run", "1").assert_outcomes(passed=6, skipped=2)
    assert len(result_of(pytester, "capitals 1").rows) == 6


def test_a_marker_that_makes_no_sense_is_refused(run: Run, pytester: pytest.Pytester) -> None:
    wrong = {
        "repetitions=0": "repetitions must be a whole number of 1 or more",
        "repetition=2": "repetition; it takes a name",
        "inconclusive='2'": "inconclusive is 'fail' or 'pass'",
        "evaluators=[exact_match(), exact_match()]": "two evaluators are named 'exact_match'",
    }
    files = {
        f"test_wrong_{place}": CAPITALS.replace("repetitions=2, evaluators=[exact_match()]", marker)
        for place, marker in enumerate(wrong)
    }
    pytester.makepyfile(**files)
    done = run("")
    assert done.ret != 0
    for said in wrong.values():
        assert said in done.stdout.str()


def test_results_go_to_a_server_when_asked(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "data") as server:
        monkeypatch.setenv("PROMPTOPS_BASE_URL", server.url)
        for name in ("1", "2"):
            done = run(CAPITALS, "--promptops-run", name, "--promptops-server", "-n", "2")
            assert done.ret == 0, done.stdout.str()
        runtime = SyncRuntime(RuntimeConfig(base_url=server.url))
        experiments = AsyncExperiments(runtime)
        first, second = (drive(experiments.runs(f"capitals {name}", dataset="pytest capitals")) for name in "12")
        drive(runtime.aclose())
    assert len(first) == len(second) == 8
    assert {row.example_id for row in first} == {row.example_id for row in second}


def test_a_server_that_is_not_there_fails_the_session_and_loses_nothing(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTOPS_BASE_URL", "http://127.0.0.1:9")
    done = run(CAPITALS, "--promptops-run", "1", "--promptops-server")
    assert done.ret == 1
    done.stdout.fnmatch_lines(["the experiments could not be stored: *"])
    assert len(result_of(pytester, "capitals 1").rows) == 8


def test_an_interrupted_session_stores_what_it_has(run: Run, pytester: pytest.Pytester) -> None:
    code = CAPITALS + "\n\ndef test_zzz():\n    raise KeyboardInterrupt\n"
    done = run(code, "--promptops-run", "1")
    assert done.ret == 2
    assert len(result_of(pytester, "capitals 1").rows) == 8


def test_nothing_is_loaded_and_nothing_stored_without_the_marker(run: Run, pytester: pytest.Pytester) -> None:
    code = """
import sys

def test_plain():
    assert not [name for name in sys.modules if name.startswith("promptops.") and "pytest" not in name]
"""
    done = run(code)
    done.assert_outcomes(passed=1)
    # The first lines name the plugins that are installed.
    assert not [line for line in done.outlines if "experiments" in line and not line.startswith("plugins:")]
    assert stored(pytester) == []


def test_the_marker_loads_the_package() -> None:
    # The control of the test above.
    code = "import sys, promptops.experiments.pytest_plugin; print('promptops.experiments.journal' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_users_junit_files_hold_nothing_of_it(run: Run, pytester: pytest.Pytester) -> None:
    run(CAPITALS, "--junitxml", "junit.xml")
    assert "promptops_experiment_row" not in (pytester.path / "junit.xml").read_text(encoding="utf-8")


def test_a_report_has_every_experiment(run: Run, pytester: pytest.Pytester) -> None:
    more = CAPITALS + CAPITALS.replace('"capitals"', '"again"').replace("test_capitals", "test_again")
    run(more, "--promptops-run", "1", "--promptops-report", "r.json")
    report = msgspec.json.decode((pytester.path / "r.json").read_bytes())
    assert [part["name"] for part in report["experiments"]] == ["capitals 1", "again 1"]


def test_the_example_of_the_readme_runs_as_printed(run: Run) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    (code,) = [block for block in blocks if "promptops_experiment" in block]
    done = run(code)
    assert done.ret == 0
    done.assert_outcomes(passed=6)
