"""The pytest plugin with a real Phoenix server: what a session stores, as our client and plain requests read it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from promptops.phoenix import SyncPhoenixClient

pytest_plugins = ["pytester"]

Run = Callable[..., pytest.RunResult]

CAPITALS = """
import pytest
from promptops.experiments import Gate, exact_match

CASES = [("France", "Paris"), ("Japan", "Tokyo"), ("Peru", "Lima"), ("Mali", "Bamako")]
KNOWN = dict(CASES)

@pytest.mark.promptops_experiment("NAME", repetitions=2, evaluators=[exact_match()])
@pytest.mark.parametrize(("country", "expected"), CASES)
def test_capitals(country, expected, experiment):
    experiment.log(output=KNOWN[country], cost=0.5, scores={"tone": "warm"})
"""
GATE = 'baseline="latest", gates=[Gate(metric="exact_match", max_regression=0.2)]'


@pytest.fixture(params=["open", "auth"])
def server(request: pytest.FixtureRequest) -> tuple[str, str | None]:
    """The address of a server, and its key if it asks for one."""
    if request.param == "open":
        return request.getfixturevalue("phoenix_url"), None
    auth: Any = request.getfixturevalue("phoenix_auth")
    return auth.url, auth.secret


@pytest.fixture
def name() -> str:
    return f"capitals-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, server: tuple[str, str | None], name: str) -> Run:
    """Runs pytest in a process of its own, on a machine that is set up for the server, with a journal beside it."""
    for variable in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PROMPTOPS_BASE_URL", "PROMPTOPS_BACKEND"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PROMPTOPS_JOURNAL", str(pytester.path / "journal.sqlite3"))
    monkeypatch.setenv("PHOENIX_DISCOVER_CONFIG", "false")
    monkeypatch.setenv("PHOENIX_ENDPOINT", server[0])
    monkeypatch.setenv("PHOENIX_API_KEY", server[1] or "")

    def go(code: str, *arguments: str, ini: str = "") -> pytest.RunResult:
        pytester.makepyfile(test_it=code.replace("NAME", name))
        pytester.makeini(f"[pytest]\naddopts = --strict-markers -W error\n{ini}")
        return pytester.runpytest_subprocess("-p", "promptops.experiments_pytest", *arguments, timeout=200)

    return go


@pytest.fixture
def ours(server: tuple[str, str | None], run: Run) -> Any:
    """Our client of the server."""
    with SyncPhoenixClient(base_url=server[0], api_key=server[1]) as client:
        yield client


@pytest.fixture
def bare(server: tuple[str, str | None]) -> Any:
    """Plain requests to the server."""
    headers = {} if server[1] is None else {"authorization": f"Bearer {server[1]}"}
    with httpx.Client(base_url=server[0], headers=headers, timeout=60) as client:
        yield client


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_cases_become_a_dataset_and_items_become_runs(
    run: Run, ours: SyncPhoenixClient, bare: httpx.Client, name: str, workers: tuple[str, ...]
) -> None:
    done = run(CAPITALS, "--promptops-backend", "phoenix", "--promptops-run", "first", *workers)
    assert done.ret == 0, done.stdout.str()
    done.stdout.fnmatch_lines([f"stored on the server: {name} first (*)"])
    examples = {example.id: example for example in ours.datasets.examples(f"pytest {name}")}
    assert {example["country"] for example in examples.values()} == {"France", "Japan", "Peru", "Mali"}
    rows = ours.experiments.runs(f"{name} first", dataset=f"pytest {name}")
    assert len({(row.example_id, row.repetition) for row in rows}) == 8
    for row in rows:
        assert row.output == examples[row.example_id or ""]["expected"]
        assert row.scores == {"exact_match": 1.0, "passed": 1.0}
        assert row.evaluations["tone"].label == "warm"
    record = ours.experiments.record(experiment=f"{name} first", dataset=f"pytest {name}")
    assert (record.repetitions, record.successful_run_count, record.missing_run_count) == (2, 8, 0)
    exported = bare.get(f"/v1/experiments/{record.id}/json").json()
    assert len(exported) == 8
    assert {item["reference_output"]["expected"] for item in exported} == {"Paris", "Tokyo", "Lima", "Bamako"}
    assert all("country" in item["input"] for item in exported)
    assert {found["name"] for item in exported for found in item["annotations"]} == {"exact_match", "passed", "tone"}


def test_a_later_session_adds_the_cases_that_are_new_and_takes_none_away(
    run: Run, ours: SyncPhoenixClient, name: str
) -> None:
    backend = ("--promptops-backend", "phoenix")
    assert run(CAPITALS, *backend, "--promptops-run", "1").ret == 0
    changed = CAPITALS.replace('("Peru", "Lima")', '("Chile", "Santiago")')
    assert run(changed, *backend, "--promptops-run", "2").ret == 0
    assert run(CAPITALS, *backend, "--promptops-run", "3", "-k", "France").ret == 0
    examples = ours.datasets.examples(f"pytest {name}")
    assert sorted(example["country"] for example in examples) == ["Chile", "France", "Japan", "Mali", "Peru"]
    assert len(ours.datasets.versions(dataset=f"pytest {name}")) == 2
    counts = [len(ours.experiments.runs(f"{name} {label}", dataset=f"pytest {name}")) for label in "123"]
    assert counts == [8, 8, 2]


def test_what_a_test_does_before_it_fails_is_stored(run: Run, ours: SyncPhoenixClient, name: str) -> None:
    code = CAPITALS.replace("    experiment.log(", '    assert country != "Peru"\n    experiment.log(', 1)
    code = code.replace("output=KNOWN[country]", 'output={"city": KNOWN[country], "n": [1, None]}')
    done = run(code, "--promptops-backend", "phoenix", "--promptops-run", "1")
    done.assert_outcomes(passed=6, failed=2)
    rows = ours.experiments.runs(f"{name} 1", dataset=f"pytest {name}")
    assert sorted(row.error is not None for row in rows) == [False] * 6 + [True] * 2
    assert {"city": "Paris", "n": [1, None]} in [row.value for row in rows if row.error is None]


def test_a_row_of_scores_alone_is_stored(run: Run, ours: SyncPhoenixClient, name: str) -> None:
    code = """
import pytest

@pytest.mark.promptops_experiment("NAME")
def test_scores(experiment):
    experiment.log(scores={"polite": True})
"""
    assert run(code, "--promptops-backend", "phoenix", "--promptops-run", "1").ret == 0
    (row,) = ours.experiments.runs(f"{name} 1", dataset=f"pytest {name}")
    assert row.scores == {"polite": 1.0}


def test_the_baseline_is_on_the_server_when_this_machine_has_no_journal_of_it(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    code = CAPITALS.replace("evaluators=", f"{GATE}, evaluators=").replace(
        "CASES = [", "CASES = [(f'c{n}', f'city {n}') for n in range(12)] + ["
    )
    worse = code.replace("output=KNOWN[country]", 'output="?"')
    backend = ("--promptops-backend", "phoenix")
    first = run(code, *backend, "--promptops-run", "1")
    assert first.ret == 0
    assert "compared with" not in first.stdout.str()
    monkeypatch.setenv("PROMPTOPS_JOURNAL", str(pytester.path / "other.sqlite3"))
    second = run(worse, *backend, "--promptops-run", "2")
    assert second.ret == 1
    second.stdout.fnmatch_lines([f"{name} 2 compared with {name} 1: 32 pairs", "verdict: fail"])
    # A baseline by its name is looked for there, too.
    monkeypatch.setenv("PROMPTOPS_JOURNAL", str(pytester.path / "third.sqlite3"))
    named = run(code.replace('"latest"', f'"{name} 1"'), *backend, "--promptops-run", "3")
    named.stdout.fnmatch_lines([f"{name} 3 compared with {name} 1: 32 pairs", "verdict: pass"])
    # The control: without the server there is nothing to compare with.
    monkeypatch.setenv("PROMPTOPS_JOURNAL", str(pytester.path / "fourth.sqlite3"))
    alone = run(worse, "--promptops-run", "4")
    assert alone.ret == 0
    assert "compared with" not in alone.stdout.str()


@pytest.mark.parametrize("chosen", ["environment", "ini"])
def test_the_environment_and_the_ini_file_say_which_server_is_meant(
    run: Run, ours: SyncPhoenixClient, monkeypatch: pytest.MonkeyPatch, name: str, chosen: str
) -> None:
    ini = "promptops_backend = phoenix\n"
    if chosen == "environment":
        monkeypatch.setenv("PROMPTOPS_BACKEND", "phoenix")
        ini = "promptops_backend = promptops\n"
    monkeypatch.setenv("PROMPTOPS_BASE_URL", "http://127.0.0.1:9")
    # The control: neither asks for a server.
    assert "stored on the server" not in run(CAPITALS, "--promptops-run", "0", ini=ini).stdout.str()
    assert run(CAPITALS, "--promptops-run", "1", "--promptops-server", ini=ini).ret == 0
    assert [found.name for found in ours.experiments.list(dataset=f"pytest {name}")] == [f"{name} 1"]


def test_a_backend_that_is_not_there_ends_the_session_before_its_first_test(run: Run) -> None:
    for workers in ((), ("-n", "2")):
        done = run(CAPITALS, "--promptops-backend", "pheonix", *workers)
        assert done.ret == pytest.ExitCode.USAGE_ERROR
        done.stderr.fnmatch_lines(["ERROR: no backend 'pheonix' is installed, there are phoenix and promptops"])


def test_a_server_that_is_away_fails_the_session_and_every_experiment_is_in_the_journal(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from promptops.experiments.journal import Journal

    monkeypatch.setenv("PHOENIX_ENDPOINT", "http://127.0.0.1:9")
    two = CAPITALS + CAPITALS.replace("NAME", "NAME-again").replace("test_capitals", "test_again")
    done = run(two, "--promptops-backend", "phoenix", "--promptops-run", "1")
    assert done.ret == 1
    done.stdout.fnmatch_lines(["the experiments could not be stored: *"])
    with Journal.open(pytester.path / "journal.sqlite3") as journal:
        assert [record.plan.name for record in journal.experiments()] == [f"{name} 1", f"{name}-again 1"]
