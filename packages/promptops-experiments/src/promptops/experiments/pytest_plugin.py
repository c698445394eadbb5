"""The pytest plugin: parametrised cases are examples, repetitions are items, results are an experiment.

::

    @pytest.mark.promptops_experiment("capitals", repetitions=3, gates=[Gate(metric="exact_match", min_mean=0.8)])
    @pytest.mark.parametrize(("question", "expected"), CASES)
    def test_capitals(question, expected, experiment):
        experiment.log(output=answer(question))
        experiment.evaluate(exact_match())

Install ``promptops-experiments[pytest]``. Nothing is loaded, and nothing happens, unless the marker is used.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
import pytest
from promptops.core.errors import PromptOpsError
from promptops.experiments._evaluation import named_evaluators
from promptops.experiments._gates import Gate
from promptops.experiments._json import NotStorable, json_text, shown
from promptops.experiments._pytest_cases import ExperimentCase, RecordedRow, Settings
from promptops.experiments._pytest_rows import run_name
from promptops.experiments._pytest_storing import Outcome, judged_outcome, on_journal
from promptops.models import prepared

if TYPE_CHECKING:
    from promptops.experiments._pytest_server import Server
    from promptops.experiments._pytest_storing import Pair

__all__ = ["ExperimentCase", "Recorder", "Settings", "begin", "case_of", "recorder_of"]

_MARKER: Final = "promptops_experiment"
_ROW: Final = "promptops_experiment_row"
_REPETITION: Final = "promptops_repetition"
_ITEMS: Final = "promptops-items"
_RECORDER: Final = "promptops-recorder"
_KNOWN: Final = (
    "repetitions",
    "evaluators",
    "thresholds",
    "gates",
    "baseline",
    "lower_is_better",
    "inconclusive",
    "dataset",
)
_case_key: Final = pytest.StashKey[ExperimentCase]()


def begin(config: pytest.Config, definition: Any) -> Settings:
    """Take part in a session that uses the marker, and return what the marker of a test says.

    Raises:
        pytest.UsageError: The marker has arguments that make no sense.
    """
    if not config.pluginmanager.has_plugin(_ITEMS):
        config.pluginmanager.register(_Items(), _ITEMS)
    return _settings(definition)


def recorder_of(config: pytest.Config) -> Recorder:
    """Return what stores the rows of this session."""
    recorder = config.pluginmanager.get_plugin(_RECORDER)
    if recorder is None:
        recorder = Recorder(config)
        config.pluginmanager.register(recorder, _RECORDER)
    return cast("Recorder", recorder)


def case_of(item: Any) -> ExperimentCase:
    """Return what an item records.

    Raises:
        pytest.UsageError: The test has no marker.
    """
    if item.get_closest_marker(_MARKER) is None:
        raise pytest.UsageError(f"{item.nodeid} uses the fixture `experiment`; mark it with @pytest.mark.{_MARKER}")
    if _case_key not in item.stash:
        fields, repetition = _example_of(item)
        item.stash[_case_key] = ExperimentCase(_settings(item), fields, repetition)
    return cast("ExperimentCase", item.stash[_case_key])


class _Items:
    """Runs in every process that runs items."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        if item.get_closest_marker(_MARKER) is None:
            return (yield)
        case = case_of(item)
        case.start()
        try:
            returned = yield
        finally:
            case.score()
        problems = case.problems()
        if problems:
            pytest.fail("; ".join(problems), pytrace=False)
        return returned

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if item.get_closest_marker(_MARKER) is None or report.skipped:
            return report
        if report.when == "call" or (report.when == "setup" and report.failed):
            case = case_of(item)
            error = None
            if call.excinfo is not None:
                error = f"{call.excinfo.typename}: {call.excinfo.value}"[:10_000]
            if error is not None or case.has_row:
                row = case.recorded(error)
                # On the report, which xdist carries from the worker to the controller.
                setattr(report, _ROW, msgspec.json.encode(row).decode())
        return report


class Recorder:
    """Gathers the rows of a session, and stores them at its end; in the controller when xdist is used."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._rows: dict[str, list[RecordedRow]] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._problems: list[str] = []
        self._notes: list[str] = []

    def receive(self, text: str) -> None:
        """Take the row of a finished item."""
        row = msgspec.json.decode(text, type=prepared(RecordedRow))
        self._rows.setdefault(row.experiment, []).append(row)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Store everything, judge it, and let gates set the exit status."""
        try:
            self._store(complete=session.exitstatus in {0, 1})
        except (PromptOpsError, OSError) as exc:
            self._problems.append(f"the experiments could not be stored: {exc}")
        failed = self._problems or not all(outcome.passes for outcome in self._outcomes.values())
        if failed and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the metrics and the verdict of each experiment."""
        terminalreporter.section("experiments", blue=True)
        for outcome in self._outcomes.values():
            terminalreporter.write_line(str(outcome.result))
            if outcome.comparison is not None:
                terminalreporter.write_line("")
                terminalreporter.write_line(outcome.comparison.to_text(listed=3))
            elif outcome.verdict is not None:
                terminalreporter.write_line(outcome.verdict.to_text())
            terminalreporter.write_line("")
        for note in self._notes:
            terminalreporter.write_line(note)
        for problem in self._problems:
            terminalreporter.write_line(problem, red=True)

    def _store(self, *, complete: bool) -> None:
        from promptops.experiments.stores import LocalStore

        label = self._config.getoption("--promptops-run") or f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}-{token_hex(2)}"
        with LocalStore(self._config.getoption("--promptops-journal")) as store:
            # Everything is in the journal before a server, which may be away, is asked for anything.
            names = {experiment: run_name(experiment, label) for experiment in self._rows}
            results = {name: on_journal(store, rows, names[name]) for name, rows in self._rows.items()}
            with ExitStack() as stack:
                server = self._server(stack)
                for experiment, rows in self._rows.items():
                    elsewhere = None
                    if server is not None:
                        elsewhere = self._upload(server, rows, names[experiment], experiment)
                    if complete:
                        outcome = judged_outcome(store, rows, results[experiment], experiment, elsewhere=elsewhere)
                    else:
                        # Interrupted: what is there is kept, and too little to be judged.
                        outcome = Outcome(result=results[experiment], comparison=None, verdict=None, passes=True)
                    self._outcomes[experiment] = outcome
            self._notes.append(f"journal: {store.journal.path}")
        self._report()

    def _server(self, stack: ExitStack) -> Server | None:
        from promptops.experiments_pytest import backend_of

        backend = backend_of(self._config)
        if backend is None:
            return None
        from promptops.experiments._pytest_server import opened

        try:
            return stack.enter_context(opened(backend))
        except PromptOpsError as exc:
            self._problems.append(f"the experiments could not be stored: {exc}")
            return None

    def _upload(
        self, server: Server, rows: Sequence[RecordedRow], name: str, experiment: str
    ) -> Callable[[], Pair | None] | None:
        """Store an experiment on a server; return what finds its baseline there, unless it could not be stored."""
        from promptops.experiments._pytest_server import pair_on, store_on

        try:
            ident = store_on(server, rows, name)
        except PromptOpsError as exc:
            self._problems.append(f"the experiments could not be stored: {exc}")
            return None
        self._notes.append(f"stored on the server: {name} ({ident})")
        return partial(pair_on, server, rows, ident, experiment)

    def _report(self) -> None:
        paths = cast("Sequence[str]", self._config.getoption("--promptops-report") or ())
        if not paths or not self._outcomes:
            return
        from promptops.experiments.reports import make_report, write_report

        items = [
            item
            for outcome in self._outcomes.values()
            for item in (outcome.result, outcome.comparison)
            if item is not None
        ]
        report = make_report(items, title="Tests")
        for path in paths:
            self._notes.append(f"report: {write_report(report, Path(path))}")


def _settings(node: Any) -> Settings:
    marker = node.get_closest_marker(_MARKER)
    given: dict[str, Any] = dict(marker.kwargs)
    name = given.pop("name", None) or (marker.args[0] if marker.args else None) or node.originalname or node.name
    unknown = sorted(given.keys() - set(_KNOWN))
    where = f"the marker {_MARKER} of {node.nodeid}"
    known = f"a name, and {', '.join(_KNOWN)}"
    if unknown or len(marker.args) > 1:
        raise pytest.UsageError(f"{where} has {', '.join(unknown) or 'too many arguments'}; it takes {known}")
    if not isinstance(name, str):
        raise pytest.UsageError(f"{where} needs a text as its name, not {type(name).__name__}")
    repetitions = given.get("repetitions", 1)
    if not isinstance(repetitions, int) or repetitions < 1:
        raise pytest.UsageError(f"{where}: repetitions must be a whole number of 1 or more, not {repetitions!r}")
    if given.get("inconclusive", "fail") not in {"fail", "pass"}:
        raise pytest.UsageError(f"{where}: inconclusive is 'fail' or 'pass'")
    try:
        evaluators = named_evaluators(given.get("evaluators", ()))
    except PromptOpsError as exc:
        raise pytest.UsageError(f"{where}: {exc.message}") from exc
    gates: Gate | Sequence[Gate] = given.get("gates", ())
    return Settings(
        name=name,
        dataset=given.get("dataset") or f"pytest {name}",
        repetitions=repetitions,
        evaluators=evaluators,
        thresholds=dict(given.get("thresholds") or {}),
        gates=[gates] if isinstance(gates, Gate) else list(gates),
        baseline=given.get("baseline"),
        lower_is_better=list(given.get("lower_is_better", ())),
        inconclusive=given.get("inconclusive", "fail"),
    )


def _example_of(item: Any) -> tuple[dict[str, Any], int]:
    """Return the parameters of an item as the fields of an example, and which repetition it is."""
    spec = getattr(item, "callspec", None)
    parameters: dict[str, Any] = dict(spec.params) if spec is not None else {}
    repetition = parameters.pop(_REPETITION, None)
    ident: str = spec.id if spec is not None else ""
    if repetition is not None:
        # The id is made of the ids of all parametrisations; ours is the first or the last of them.
        own = f"repetition{repetition}"
        ident = ident.removeprefix(own).removeprefix("-") if ident.startswith(own) else ident.removesuffix(own)
        ident = ident.removesuffix("-")
    base = item.nodeid.partition("[")[0]
    fields: dict[str, Any] = {"case": f"{base}[{ident}]" if ident else base}
    for name, value in parameters.items():
        fields[name if name not in {"case", "id"} else f"{name}_"] = _plain(value)
    return fields, int(repetition or 1)


def _plain(value: object) -> object:
    try:
        return cast("Mapping[str, Any]", msgspec.json.decode(json_text(value)))
    except NotStorable:
        return shown(value)
