from __future__ import annotations

import subprocess
import sys


def run_python(code: str) -> tuple[str, str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


RETRY = """
from promptops.core.bridge import drive
from promptops.core import Request, RuntimeConfig, SyncRuntime
from promptops.core.testing import FakeClock, FakeTransport, json_response
clock = FakeClock()
transport = FakeTransport([json_response({}, status=503), json_response({})])
runtime = SyncRuntime(RuntimeConfig(), transport=transport, clock=clock)
drive(runtime.send(Request(method="GET", path="/x")))
"""


def test_library_prints_nothing_unless_it_is_asked_to() -> None:
    assert run_python(RETRY) == ("", "")
    assert run_python("import structlog\n" + RETRY) == ("", "")
    assert run_python("from promptops.core.log import log\nlog().info('thing_happened', size=1)\n") == ("", "")


def test_silent_process_does_not_pay_for_structlog() -> None:
    out, _ = run_python(RETRY + "\nimport sys; print('structlog' in sys.modules)")
    assert out == "False\n"


def test_standard_logging_receives_events() -> None:
    _, err = run_python("import logging; logging.basicConfig(level=logging.INFO)\n" + RETRY)
    assert "INFO:promptops:call_retried method='GET' path='/x' retry=1" in err


def test_standard_logging_receives_events_and_facts_as_such() -> None:
    _, err = run_python(
        "import logging; from promptops.core.log import log\n"
        "logging.basicConfig(format='%(promptops_event)s of %(promptops_facts)s')\n"
        "log().warning('thing_failed', name='a', parts=['b c'])\n"
    )
    assert err == "thing_failed of {'name': 'a', 'parts': ['b c']}\n"


def test_standard_logging_receives_exceptions() -> None:
    _, err = run_python(
        "from promptops.core.log import log\n"
        "try:\n"
        "    1 / 0\n"
        "except ZeroDivisionError as exc:\n"
        "    log().error('thing_failed', share='100%', exc_info=exc)\n"
    )
    assert err.startswith("thing_failed share='100%'\nTraceback")
    assert "ZeroDivisionError" in err


def test_configured_structlog_receives_events() -> None:
    out, _ = run_python(
        "import structlog; structlog.configure(processors=[structlog.processors.JSONRenderer(sort_keys=True)])\n"
        + RETRY
    )
    assert '"event": "call_retried"' in out
