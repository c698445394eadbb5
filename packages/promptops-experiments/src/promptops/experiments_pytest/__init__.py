"""The pytest plugin, as far as every test run loads it: options, the marker, and the way to the rest.

The rest (:mod:`promptops.experiments.pytest_plugin`, and with it the package) is imported when the marker is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from promptops.experiments.pytest_plugin import ExperimentCase

__all__ = ["experiment"]

MARKER: Final = "promptops_experiment"
ROW: Final = "promptops_experiment_row"
REPETITION: Final = "promptops_repetition"


class _Receiver:
    """Takes the rows of finished items, which with xdist come from workers, to what stores them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: Any) -> None:
        row = getattr(report, ROW, None)
        if row is not None:
            from promptops.experiments import pytest_plugin

            pytest_plugin.recorder_of(self._config).receive(row)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("promptops", "experiments of PromptOps")
    group.addoption("--promptops-journal", metavar="PATH", help="The journal of experiments (PROMPTOPS_JOURNAL).")
    group.addoption("--promptops-run", metavar="NAME", help="What this run is called, instead of its time; a word.")
    group.addoption(
        "--promptops-report",
        metavar="PATH",
        action="append",
        default=[],
        help="Write a report of the experiments: .html, .md, .xml (JUnit), .json or .txt. Can be repeated.",
    )
    group.addoption(
        "--promptops-server",
        action="store_true",
        help="Store the experiments on a server as well: that of PROMPTOPS_BASE_URL, or of the backend.",
    )
    group.addoption(
        "--promptops-backend",
        metavar="NAME",
        help="Store them on a server of this kind: promptops, or phoenix (also PROMPTOPS_BACKEND with "
        "--promptops-server).",
    )
    parser.addini("promptops_backend", "The kind of server that --promptops-server means: promptops, or phoenix.")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and listen for rows."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(name=None, *, repetitions=1, evaluators=(), thresholds=None, gates=(), baseline=None, "
        "lower_is_better=(), inconclusive='fail', dataset=None): the cases of this test are the examples of an "
        "experiment",
    )
    if not hasattr(config, "workerinput"):
        _check_run(config)
        _check_backend(config)
        config.pluginmanager.register(_Receiver(config), "promptops-rows")


def backend_of(config: pytest.Config) -> str | None:
    """The backend of the server that experiments are stored on as well; None without one."""
    given = config.getoption("--promptops-backend")
    if not given and not config.getoption("--promptops-server"):
        return None
    from promptops.core.backends import chosen_backend

    return chosen_backend(given, otherwise=config.getini("promptops_backend"))


def _check_run(config: pytest.Config) -> None:
    """Refuse a name with white space: what follows the last space of a stored name says which run it is."""
    name = config.getoption("--promptops-run")
    if name and name.split() != [name]:
        raise pytest.UsageError(f"--promptops-run {name!r} holds white space; choose a name without, such as 'build-7'")


def _check_backend(config: pytest.Config) -> None:
    """Refuse a backend that is not there before the tests run, not when their results are to be stored."""
    backend = backend_of(config)
    if backend is None or backend == "promptops":
        return
    from promptops.core.backends import client_class
    from promptops.core.errors import ConfigurationError

    try:
        client_class(backend)
    except ConfigurationError as error:
        raise pytest.UsageError(error.message) from error


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make an item of each repetition."""
    marker = metafunc.definition.get_closest_marker(MARKER)
    if marker is None:
        return
    from promptops.experiments import pytest_plugin

    repetitions = pytest_plugin.begin(metafunc.config, metafunc.definition).repetitions
    if repetitions > 1:
        metafunc.fixturenames.append(REPETITION)
        numbers = range(1, repetitions + 1)
        metafunc.parametrize(REPETITION, numbers, indirect=True, ids=[f"repetition{number}" for number in numbers])


@pytest.fixture(name=REPETITION)
def repetition(request: pytest.FixtureRequest) -> int:
    """Which repetition an item is, from 1."""
    number: int = getattr(request, "param", 1)
    return number


@pytest.fixture
def experiment(request: pytest.FixtureRequest) -> ExperimentCase:
    """The experiment that the test belongs to: ``experiment.log(output=..., scores=...)``."""
    from promptops.experiments import pytest_plugin

    return pytest_plugin.case_of(request.node)
