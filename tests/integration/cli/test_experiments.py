"""Experiments on the command line, as processes: run, resume, compare, report, gate, with and without a server."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from promptops.server import EmbeddedServer

Ran = subprocess.CompletedProcess[str]
Command = Callable[..., Ran]

README = Path(__file__).parents[3] / "packages" / "promptops-cli" / "README.md"
TASKS = """
from pathlib import Path
import helper

def good(example):
    return helper.text(example["n"])

def bad(example):
    if example["n"] == 3:
        raise RuntimeError("boom")
    return "0"

def flaky(example):
    with Path("calls.txt").open("a") as calls:
        calls.write(f"{example['n']}\\n")
    if example["n"] == 3 and not Path("mended").exists():
        raise RuntimeError("boom")
    return str(example["n"])

def right(output, expected):
    return output == expected

def brief(output):
    return 1 / len(output)

BOTH = {"right": right, "brief": brief}
"""


@pytest.fixture
def experiments(promptops: Command, tmp_path: Path) -> Command:
    """Runs `promptops experiments ...` beside a file of tasks, a file of examples and a journal of its own."""
    (tmp_path / "tasks.py").write_text(TASKS, encoding="utf-8")
    (tmp_path / "helper.py").write_text("def text(value):\n    return str(value)\n", encoding="utf-8")
    lines = [msgspec.json.encode({"n": n, "expected": str(n), "kind": "odd" if n % 2 else "even"}) for n in range(40)]
    (tmp_path / "numbers.jsonl").write_bytes(b"\n".join(lines))

    def run(*arguments: str, **environ: str) -> Ran:
        return promptops(
            "experiments",
            *arguments,
            PROMPTOPS_JOURNAL=str(tmp_path / "journal.sqlite3"),
            PYTHONWARNINGS="error",
            **environ,
        )

    return run


@pytest.fixture
def both(experiments: Command) -> Command:
    """The same, with two experiments in the journal."""
    for name in ("good", "bad"):
        ran(experiments("run", f"tasks.py::{name}", "--name", name, "--evaluator", "::right", *HERE))
    return experiments


HERE = ("--dataset", "numbers.jsonl", "--local", "--quiet")


def ran(done: Ran, code: int = 0) -> Ran:
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_a_task_of_a_file_is_run_without_a_server(experiments: Command) -> None:
    references = ("--evaluator", "::BOTH", "--evaluator", "exact_match")
    done = ran(
        experiments("run", "tasks.py::good", "--name", "first", *references, "--dataset", "numbers.jsonl", "--local")
    )
    assert "first: 40 rows, 0 failed" in done.stdout
    assert all(name in done.stdout for name in ("right", "brief", "exact_match"))
    assert "40/40" in done.stderr


def test_json_says_what_the_table_says(experiments: Command) -> None:
    task = ("run", "tasks:good", "--name", "first", "--evaluator", "tasks:right", "--repetitions", "2")
    done = ran(experiments(*task, "--json", *HERE))
    summary = msgspec.json.decode(done.stdout)
    assert (summary["rows"], summary["metrics"]["right"]["mean"]) == (80, 1.0)
    assert done.stderr == ""


def test_a_dry_run_stores_nothing(experiments: Command) -> None:
    done = ran(experiments("run", "tasks.py::good", "--name", "dry", "--dry-run", "3", "--json", *HERE))
    assert msgspec.json.decode(done.stdout)["rows"] == 3
    ran(experiments("report", "dry", "--local"), 3)


def test_a_failed_run_is_resumed_by_its_name_alone(experiments: Command, tmp_path: Path) -> None:
    ran(experiments("run", "tasks.py::flaky", "--name", "flaky", "--evaluator", "::right", *HERE))
    assert len((tmp_path / "calls.txt").read_text().splitlines()) == 40
    (tmp_path / "mended").touch()
    again = ran(experiments("resume", "flaky", "--local", "--json", "--quiet"))
    assert msgspec.json.decode(again.stdout)["failed"] == 1
    retried = ran(experiments("resume", "flaky", "--local", "--retry-failed", "--json", "--quiet"))
    assert msgspec.json.decode(retried.stdout)["failed"] == 0
    assert (tmp_path / "calls.txt").read_text().splitlines()[40:] == ["3"]


def test_a_resume_of_changed_code_is_refused_until_told(experiments: Command, tmp_path: Path) -> None:
    ran(experiments("run", "tasks.py::good", "--name", "first", *HERE))
    (tmp_path / "tasks.py").write_text(TASKS.replace("helper.text(", "helper.text(1 + "), encoding="utf-8")
    refused = ran(experiments("resume", "first", "--local", "--quiet"), 5)
    assert "task" in refused.stderr
    assert "--accept-changes" in refused.stderr
    ran(experiments("resume", "first", "--local", "--quiet", "--accept-changes"))


SLOW = """
import time

def slow(example):
    with open("calls.txt", "a") as calls:
        calls.write(f"{example['n']}\\n")
    time.sleep(0.2)
    return str(example["n"])
"""


def test_ctrl_c_exits_with_130_and_resume_pays_for_nothing_twice(experiments: Command, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW, encoding="utf-8")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PROMPTOPS_")}
    arguments = ("run", "slow.py::slow", "--name", "slow", "--concurrency", "2", *HERE)
    with subprocess.Popen(
        # A test run in the background has the signal ignored, and children inherit that.
        [
            sys.executable,
            "-c",
            f"""
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from promptops.cli import main
main(["experiments", *{arguments!r}])
""",
        ],
        cwd=tmp_path,
        env={**environ, "PROMPTOPS_JOURNAL": str(tmp_path / "journal.sqlite3")},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            calls = tmp_path / "calls.txt"
            deadline = time.monotonic() + 100
            while time.monotonic() < deadline and (not calls.exists() or len(calls.read_text().splitlines()) < 5):
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=100)
        finally:
            process.kill()
    assert process.returncode == 130, errors
    assert "interrupted" in errors
    done = ran(experiments("resume", "slow", "--local", "--json", "--quiet"))
    assert msgspec.json.decode(done.stdout)["rows"] == 40
    assert sorted(map(int, (tmp_path / "calls.txt").read_text().split())) == list(range(40))


def test_experiments_are_compared_in_every_format(both: Command, tmp_path: Path) -> None:
    text = ran(both("compare", "good", "bad", "--local", "--slice", "kind")).stdout
    assert "right: 38 got worse" in text
    assert "kind=even" in text
    assert "detectable" in text
    assert ran(both("compare", "good", "bad", "--local", "--format", "markdown")).stdout.startswith("## bad")
    assert ET.fromstring(ran(both("compare", "good", "bad", "--local", "--format", "junit")).stdout).tag == "testsuites"
    found = msgspec.json.decode(ran(both("compare", "good", "bad", "--local", "--format", "json")).stdout)
    assert (found["format"], found["comparisons"][0]["metrics"][0]["worse"]) == ("promptops.report", 38)
    done = ran(both("compare", "good", "bad", "--local", "--format", "html", "--out", "out.html", "--report", "r.md"))
    assert done.stdout == ""
    assert (tmp_path / "out.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert (tmp_path / "r.md").exists()


def test_several_candidates_are_compared_together(both: Command) -> None:
    ran(both("run", "tasks.py::bad", "--name", "worse", "--evaluator", "::right", *HERE))
    text = ran(both("compare", "good", "bad", "worse", "--local")).stdout
    assert "p (Holm, 2)" in text


def test_pairs_of_changed_examples_are_left_out_unless_they_are_asked_for(experiments: Command, tmp_path: Path) -> None:
    for name, changed in (("before", 0), ("after", 10), ("later", 10)):
        lines = [{"id": f"n{n}", "n": n, "expected": str(n), "hint": str(n < changed)} for n in range(40)]
        (tmp_path / "numbers.jsonl").write_bytes(b"\n".join(msgspec.json.encode(line) for line in lines))
        ran(experiments("run", "tasks.py::good", "--name", name, "--evaluator", "::right", *HERE))
    everything = ("--changed-examples", "compare")
    for candidates in (("after",), ("after", "later")):
        command = ("compare", "before", *candidates, "--local")
        assert ran(experiments(*command)).stdout.count("10 pairs are left out") == len(candidates)
        assert "left out" not in ran(experiments(*command, *everything)).stdout
    gate = ("gate", "after", "--baseline", "before", "--metric", "right", "--max-regression", "0.5", "--local")
    assert "10 pairs changed" in ran(experiments(*gate), 1).stdout
    ran(experiments(*gate, *everything))


def test_one_experiment_is_reported(both: Command, tmp_path: Path) -> None:
    text = ran(both("report", "bad", "--local", "--report", "bad.html")).stdout
    assert "bad: 40 rows, 1 failed" in text
    assert "report: bad.html" in text
    page = (tmp_path / "bad.html").read_text(encoding="utf-8")
    assert "RuntimeError: boom" in page
    assert '"expected","7"' in page


@pytest.mark.parametrize(
    ("limits", "status", "code"),
    [
        (("--max-regression", "0.1"), "fail", 1),
        (("--max-regression", "1"), "pass", 0),
        (("--min", "0.01"), "inconclusive", 1),
        (("--min", "0.01", "--inconclusive", "pass"), "inconclusive", 0),
        (("--min", "0.01", "--inconclusive", "2"), "inconclusive", 2),
        (("--min", "0.9", "--inconclusive", "2"), "fail", 1),
    ],
)
def test_a_gate_exits_with_its_verdict(both: Command, limits: tuple[str, ...], status: str, code: int) -> None:
    done = ran(both("gate", "bad", "--baseline", "good", "--metric", "right", "--local", *limits), code)
    assert f"verdict: {status}" in done.stdout


def test_gates_are_read_from_a_file(both: Command, tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text(
        '[[gate]]\nmetric = "right"\nmax_regression = 0.05\n\n[[gate]]\nmetric = "right"\nmax_mean = 1\n',
        encoding="utf-8",
    )
    asked = ("gate", "bad", "--baseline", "good", "--gates", "gates.toml", "--local")
    done = ran(both(*asked, "--report", "gate.xml"), 1)
    assert "fail: right: may be worse by 0.05 at most" in done.stdout
    assert "pass: right: the mean must stay within 1" in done.stdout
    suites = ET.parse(tmp_path / "gate.xml").getroot()
    assert suites[0].attrib["failures"] == "1"
    (tmp_path / "gates.toml").write_text('[[gate]]\nmetric = "right"\nmax_regresion = 0.05\n', encoding="utf-8")
    assert "gate 1 has max_regresion" in ran(both(*asked), 2).stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("gate", "bad", "--metric", "right", "--max-regression", "0.1", "--local"), 2, "--baseline"),
        (("gate", "bad", "--local"), 2, "--metric"),
        (("gate", "bad", "--metric", "right", "--local"), 2, "--max-regression"),
        (("gate", "bad", "--metric", "wrong", "--min", "0.5", "--local"), 4, "the evaluators are: right"),
        (("gate", "bda", "--metric", "right", "--min", "0.5", "--local"), 3, "bad"),
        (("run", "tasks.py::nothing", "--name", "x", *HERE), 2, "there are bad, brief, flaky, good, right"),
        (("run", "nothing.py::good", "--name", "x", *HERE), 2, "there is no file nothing.py"),
        (("run", "good", "--name", "x", *HERE), 2, "FILE.py::name"),
        (("run", "tasks.py::good", "--name", "x", "--evaluator", "nice", *HERE), 2, "exact_match"),
        (("run", "tasks.py::good", "--name", "x", "--local", "--dataset", "no.jsonl"), 2, "there is no file no.jsonl"),
        (("run", "tasks.py::good", "--name", "good", *HERE), 5, "good"),
        (("resume", "never", "--local"), 3, "never"),
        (("report", "good", "--local", "--report", "x.pdf"), 4, "format"),
    ],
)
def test_what_cannot_be_done_is_one_line(both: Command, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = ran(both(*arguments), code)
    assert said in done.stderr
    assert len(done.stderr.splitlines()) <= 2


def test_a_file_that_cannot_be_loaded_says_why(experiments: Command, tmp_path: Path) -> None:
    for code, said in (("import nothing_like_it\n", "nothing_like_it"), ("raise SystemExit(3)\n", "SystemExit: 3")):
        (tmp_path / "broken.py").write_text(code, encoding="utf-8")
        assert said in ran(experiments("run", "broken.py::task", "--name", "x", *HERE), 2).stderr


def test_the_readme_names_every_command_and_its_gates_can_be_read(both: Command, tmp_path: Path) -> None:
    readme = README.read_text(encoding="utf-8")
    named = re.findall(r"^\| `promptops experiments ([^`]+)`", readme, re.MULTILINE)
    commands = {name.strip() for row in named for name in row.split("\\|")}
    offered = ran(both("--help")).stdout.partition("Commands:\n")[2]
    assert commands == set(re.findall(r"^  (\w+)", offered, re.MULTILINE))
    (gates,) = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    (tmp_path / "gates.toml").write_text(gates.replace("exact_match", "right"), encoding="utf-8")
    done = ran(both("gate", "good", "--baseline", "bad", "--gates", "gates.toml", "--local"))
    assert "verdict: pass" in done.stdout


@pytest.fixture
def url(promptops: Command, tmp_path: Path) -> Iterator[str]:
    from promptops.client import SyncPromptOpsClient

    with EmbeddedServer(tmp_path / "data") as server:
        with SyncPromptOpsClient(base_url=server.url) as client:
            client.datasets.create("numbers", [{"n": n, "expected": str(n)} for n in range(40)])
        yield server.url


def test_the_same_commands_work_against_a_server(experiments: Command, url: str, tmp_path: Path) -> None:
    def there(*arguments: str, code: int = 0) -> Ran:
        return ran(experiments(*arguments, PROMPTOPS_BASE_URL=url), code)

    for name in ("good", "flaky"):
        where = ("--dataset", "numbers", "--quiet")
        there("run", f"tasks.py::{name}", "--name", name, "--evaluator", "::right", *where)
    (tmp_path / "mended").touch()
    there("resume", "flaky", "--retry-failed", "--quiet")
    compared = msgspec.json.decode(there("compare", "good", "flaky", "--dataset", "numbers", "--json").stdout)
    assert compared["metrics"]["right"]["difference"] == 0
    gate = ("gate", "flaky", "--baseline", "good", "--metric", "right", "--max-regression", "0.2")
    assert "verdict: pass" in there(*gate, "--dataset", "numbers").stdout
    assert "flaky: 40 rows, 0 failed" in there("report", "flaky", "--report", "flaky.html").stdout
    assert '"expected","7"' in (tmp_path / "flaky.html").read_text(encoding="utf-8")


def test_an_experiment_of_another_machine_is_taken_over_from_the_server(
    experiments: Command, url: str, tmp_path: Path
) -> None:
    def there(*arguments: str, code: int = 0) -> Ran:
        return ran(experiments(*arguments, "--quiet", PROMPTOPS_BASE_URL=url), code)

    scored = ("--dataset", "numbers", "--evaluator", "::right")
    there("run", "tasks.py::flaky", "--name", "flaky", *scored)
    (tmp_path / "mended").touch()
    elsewhere = ("--journal", str(tmp_path / "another.sqlite3"))
    assert "`--task`" in there("resume", "flaky", *elsewhere, code=3).stderr
    assert "nothing" in there("resume", "nothing", "--task", "tasks.py::flaky", *scored, *elsewhere, code=3).stderr
    there("resume", "flaky", "--retry-failed", "--task", "tasks.py::flaky", *scored, *elsewhere)
    assert len((tmp_path / "calls.txt").read_text(encoding="utf-8").split()) == 41
    there("resume", "flaky", *elsewhere)
