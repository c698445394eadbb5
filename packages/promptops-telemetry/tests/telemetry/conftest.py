"""An exporter that follows a script, and a receiver over a real socket that counts every event once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest
from promptops.telemetry import DELIVERED, Batch, Outcome, Telemetry, TelemetryConfig


def delivered(batch: Batch) -> Outcome:
    return DELIVERED


class ScriptedExporter:
    """Answers with what a function of the batch returns, and keeps what arrived."""

    def __init__(self, answer: Callable[[Batch], Outcome] | None = None) -> None:
        self.answer = answer or delivered
        self.batches: list[Batch] = []
        self.delivered: list[Batch] = []
        self.threads: set[int] = set()
        self.closed = 0

    def export(self, batch: Batch, *, timeout: float) -> Outcome:
        self.threads.add(threading.get_ident())
        self.batches.append(batch)
        outcome = self.answer(batch)
        if outcome.kind == "delivered":
            self.delivered.append(batch)
        return outcome

    def close(self) -> None:
        self.closed += 1

    @property
    def names(self) -> list[str]:
        return [event.name for batch in self.delivered for event in batch.events()]


class Receiver:
    """Takes batches as the server does: a batch that came before is answered, and not counted again."""

    def __init__(self) -> None:
        self.batches: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.status = 200
        self.largest = 1 << 30
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append((self.path, headers))
                status = 413 if len(body) > receiver.largest else receiver.status
                answer: dict[str, Any] = {"error": {"code": "TEST", "message": "scripted"}}
                if status == 200:
                    batch = msgspec.json.decode(body)
                    receiver.batches.setdefault(batch["batch_id"], batch)
                    answer = {"success": True, "data": {"batch_id": batch["batch_id"]}, "metadata": {}}
                content = msgspec.json.encode(answer)
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for batch in self.batches.values() for event in batch["events"]]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def scripted() -> Callable[..., ScriptedExporter]:
    return ScriptedExporter


@pytest.fixture
def make() -> Iterator[Callable[..., Telemetry]]:
    """Makes telemetry that records everything, unless told otherwise; it is shut down after the test."""
    made: list[Telemetry] = []

    def build(exporter: Any = None, **settings: Any) -> Telemetry:
        settings.setdefault("sample_rate", 1.0)
        made.append(Telemetry(TelemetryConfig(**settings), exporter=exporter))
        return made[-1]

    yield build
    for telemetry in made:
        telemetry.shutdown(0.2)


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Waits until something is so, for at most thirty seconds."""

    def wait(condition: Callable[[], bool], seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it never came true"
            time.sleep(0.005)

    return wait


@pytest.fixture
def balanced() -> Callable[[Telemetry], None]:
    """Checks that every event is in exactly one count."""

    def check(telemetry: Telemetry) -> None:
        summary = telemetry.summary()
        assert summary.offered_events == (summary.delivered_events + summary.dropped_events + summary.pending_events), (
            summary
        )

    return check
