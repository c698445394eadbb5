"""Canary keys must appear nowhere: messages, reprs, tracebacks, logs, pickles."""

from __future__ import annotations

import io
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from promptops.core import Request, RuntimeConfig
from promptops.core.auth import BearerAuth
from promptops.core.redact import redact, redact_value
from promptops.core.testing import FakeClock, FakeTransport, json_response
from promptops.core.transport import ConnectFailed, ExchangeFailed

KEY = "po_live_canary000001_" + "K" * 43 + "_canary"
SECRET = "canary-secret-of-the-key"
CANARIES = (KEY, SECRET, "K" * 43, "proxy-canary")


def scripts() -> list[Any]:
    echo = {
        "error": {"code": "VALIDATION_ERROR", "message": f"got Bearer {KEY} and {SECRET}", "details": {"sent": KEY}}
    }
    return [
        json_response(echo, status=422),
        json_response(echo, status=401),
        json_response({"detail": f"authorization: {KEY}"}, status=403),
        json_response(echo, status=429, headers={"Retry-After": "1"}),
        json_response(echo, status=500),
        json_response(echo, status=302, headers={"Location": f"http://u:{SECRET}@elsewhere.test/"}),
        ConnectFailed(f"proxy http://user:proxy-canary@proxy.test refused {KEY}"),
        ExchangeFailed(f"reset while sending {SECRET}", sent=True),
    ]


@pytest.mark.parametrize("case", range(len(scripts())))
def test_no_error_or_log_line_shows_a_secret(play: Callable[..., Any], case: int) -> None:
    outcome = scripts()[case]
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    clock = FakeClock()
    transport = FakeTransport(outcome, clock=clock)
    config = RuntimeConfig(base_url="http://server.test", api_key=KEY, secret_key=SECRET)

    async def scenario(runtime: Any) -> str:
        shown = repr(runtime.config) + repr(runtime) + repr(runtime.__dict__)
        try:
            await runtime.send(Request(method="GET", path="/x"))
        except Exception as exc:  # noqa: BLE001 - whichever it is
            shown += repr(exc) + str(exc) + repr(vars(exc)) + repr(pickle.dumps(exc))
            shown += "".join(traceback.format_exception(exc))
        return shown

    try:
        shown = play(scenario, config, transport=transport, clock=clock) + stream.getvalue()
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert transport.attempts
    shown += repr(transport.attempts) + repr(transport.attempts[0].__rich_repr__())
    for canary in CANARIES:
        assert canary not in shown


def test_key_holder_shows_nothing() -> None:
    auth = BearerAuth(KEY)
    assert auth.current() == (KEY, (("authorization", f"Bearer {KEY}"),))
    assert "canary" not in repr(auth) + repr(BearerAuth(lambda: KEY))
    assert repr(BearerAuth(None)) == "BearerAuth(no key)"


@pytest.mark.parametrize(
    "text",
    [
        f"Bearer {KEY}",
        f"key={KEY};",
        "Authorization: Basic Y2FuYXJ5OmNhbmFyeQ==",
        "https://canary:canary@host/path",
        "v2=" + "ca" * 32,
    ],
)
def test_whatever_looks_like_a_credential_is_removed(text: str) -> None:
    cleaned = redact(text)
    assert "canary" not in cleaned
    assert "Y2FuYXJ5" not in cleaned
    assert "ca" * 32 not in cleaned
    assert "[removed]" in cleaned


@pytest.mark.parametrize("text", ["", "plain words", "https://host/path?x=1", "bearer of news", "email a@b.c"])
def test_innocent_text_stays(text: str) -> None:
    assert redact(text) == text


def test_values_are_cleaned_at_every_depth() -> None:
    assert redact_value({"a": [{"xx": 1, "y": "xx!"}, None, 2.5]}, ["xx"]) == {
        "a": [{"[removed]": 1, "y": "[removed]!"}, None, 2.5]
    }
    deep: Any = "xx"
    for _ in range(500):
        deep = [deep]
    assert "xx" not in repr(redact_value(deep, ["xx"]))
