"""The real model's client, against a local server that speaks both shapes over a real socket."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest
from promptops.cli.quickstart._live import (
    ATTEMPTS,
    LiveModel,
    ModelCallError,
    ModelSetupError,
    choose_live_model,
)

KEY = "sk-secret-key-of-a-test"
CHAT = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hello"}]
Answer = tuple[int, dict[str, str], bytes]


class Stub:
    """A server that answers by a function and remembers what it was asked."""

    def __init__(self, answer: Callable[[int], Answer]) -> None:
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._reply(None)

            def do_POST(self) -> None:
                self._reply(msgspec.json.decode(self.rfile.read(int(self.headers["content-length"]))))

            def _reply(self, body: Any) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                stub.requests.append((f"{self.command} {self.path}", headers, body))
                status, extra, content = answer(len(stub.requests))
                self.send_response(status)
                for name, value in {**extra, "content-length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


StubFactory = Callable[[Callable[[int], Answer]], Stub]


@pytest.fixture
def serve() -> Iterator[StubFactory]:
    stubs: list[Stub] = []

    def start(answer: Callable[[int], Answer]) -> Stub:
        stubs.append(Stub(answer))
        return stubs[-1]

    yield start
    for stub in stubs:
        stub.close()


@pytest.fixture
def chosen() -> Iterator[Callable[..., LiveModel]]:
    models: list[LiveModel] = []

    def choose(**environ: str) -> LiveModel:
        model = choose_live_model(environ, sleep=waits.append)
        assert model is not None
        models.append(model)
        return model

    waits: list[float] = []
    choose.waits = waits  # type: ignore[attr-defined] # read by the tests about waiting
    yield choose
    for model in models:
        model.close()


def openai(text: str) -> Answer:
    return 200, {}, msgspec.json.encode({"id": "1", "choices": [{"index": 0, "message": {"content": text}}]})


def anthropic(text: str) -> Answer:
    return 200, {}, msgspec.json.encode({"type": "message", "content": [{"type": "text", "text": text}], "usage": {}})


def test_openai_is_asked_in_its_shape(serve: StubFactory, chosen: Callable[..., LiveModel]) -> None:
    stub = serve(lambda _: openai(" billing\n"))
    model = chosen(OPENAI_API_KEY=KEY, OPENAI_BASE_URL=f"{stub.url}/v1", OPENAI_MODEL="small-one")
    assert model.answer(CHAT) == "billing"
    asked, headers, body = stub.requests[0]
    assert asked == "POST /v1/chat/completions"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert body == {"model": "small-one", "messages": CHAT}
    assert model.description == "small-one at 127.0.0.1 (OpenAI API)"


def test_anthropic_is_asked_in_its_shape(serve: StubFactory, chosen: Callable[..., LiveModel]) -> None:
    stub = serve(lambda _: anthropic("returns"))
    model = chosen(ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL=stub.url, ANTHROPIC_MODEL="small-two")
    assert model.answer(CHAT) == "returns"
    asked, headers, body = stub.requests[0]
    assert asked == "POST /v1/messages"
    assert headers["x-api-key"] == KEY
    assert headers["anthropic-version"]
    assert "authorization" not in headers
    assert body["system"] == "Be short."
    assert body["messages"] == [{"role": "user", "content": "Hello"}]
    assert body["max_tokens"] > 0


def test_a_compatible_server_needs_no_key_and_offers_its_first_model(
    serve: StubFactory, chosen: Callable[..., LiveModel]
) -> None:
    models = msgspec.json.encode({"object": "list", "data": [{"id": "local-7b"}, {"id": "local-70b"}]})
    stub = serve(lambda number: (200, {}, models) if number == 1 else openai("account"))
    model = chosen(OPENAI_BASE_URL=stub.url)
    assert model.name == "local-7b"
    assert model.answer(CHAT) == "account"
    assert [asked for asked, _, _ in stub.requests] == ["GET /models", "POST /chat/completions"]
    assert all("authorization" not in headers for _, headers, _ in stub.requests)


def test_a_rate_limit_is_waited_out_as_asked(serve: StubFactory, chosen: Any) -> None:
    answers: list[Answer] = [(429, {"retry-after": "7"}, b"{}"), (503, {}, b""), openai("billing")]
    stub = serve(lambda number: answers[number - 1])
    assert chosen(OPENAI_BASE_URL=stub.url, OPENAI_MODEL="m").answer(CHAT) == "billing"
    assert chosen.waits[0] == 7.0
    assert 1.0 <= chosen.waits[1] <= 2.0


@pytest.mark.parametrize("asked", ["-1", "nan", "soon", ""])
def test_an_unusable_wait_is_replaced_by_our_own(asked: str, serve: StubFactory, chosen: Any) -> None:
    stub = serve(lambda number: (429, {"retry-after": asked}, b"") if number == 1 else openai("billing"))
    chosen(OPENAI_BASE_URL=stub.url, OPENAI_MODEL="m").answer(CHAT)
    assert 0.5 <= chosen.waits[0] <= 1.0


def test_a_server_that_stays_busy_is_given_up(serve: StubFactory, chosen: Any) -> None:
    stub = serve(lambda _: (429, {"retry-after": "0"}, b""))
    with pytest.raises(ModelCallError, match=f"429, {ATTEMPTS} times"):
        chosen(OPENAI_BASE_URL=stub.url, OPENAI_MODEL="m").answer(CHAT)
    assert len(stub.requests) == ATTEMPTS


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_named_by_its_variable_and_never_shown(
    status: int, serve: StubFactory, chosen: Callable[..., LiveModel]
) -> None:
    stub = serve(lambda _: (status, {}, f'{{"error": "bad key {KEY}"}}'.encode()))
    model = chosen(ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL=stub.url)
    with pytest.raises(ModelSetupError, match="ANTHROPIC_API_KEY") as caught:
        model.answer(CHAT)
    assert KEY not in str(caught.value)
    assert len(stub.requests) == 1


def test_a_refusal_is_quoted_without_the_key(serve: StubFactory, chosen: Callable[..., LiveModel]) -> None:
    stub = serve(lambda _: (400, {}, f"no such parameter\n(key {KEY})".encode()))
    with pytest.raises(ModelCallError, match="400: no such parameter") as caught:
        chosen(OPENAI_API_KEY=KEY, OPENAI_BASE_URL=stub.url, OPENAI_MODEL="m").answer(CHAT)
    assert KEY not in str(caught.value)


def test_an_unknown_model_says_how_to_name_one(serve: StubFactory, chosen: Callable[..., LiveModel]) -> None:
    stub = serve(lambda _: (404, {}, b"{}"))
    with pytest.raises(ModelSetupError, match=r"'m'.*--model or OPENAI_MODEL"):
        chosen(OPENAI_BASE_URL=stub.url, OPENAI_MODEL="m").answer(CHAT)


def test_a_server_that_lists_no_models_says_how_to_name_one(serve: StubFactory) -> None:
    stub = serve(lambda _: (404, {}, b"{}"))
    with pytest.raises(ModelSetupError, match="--model"):
        choose_live_model({"OPENAI_BASE_URL": stub.url})


@pytest.mark.parametrize("body", [b"<html>hello</html>", b'{"choices": 1}', b""])
def test_another_shape_is_no_answer(body: bytes, serve: StubFactory, chosen: Callable[..., LiveModel]) -> None:
    stub = serve(lambda _: (200, {}, body))
    with pytest.raises(ModelCallError, match="shape of the OpenAI API"):
        chosen(OPENAI_BASE_URL=stub.url, OPENAI_MODEL="m").answer(CHAT)


def test_nobody_at_the_address_is_said_at_once(chosen: Callable[..., LiveModel]) -> None:
    with pytest.raises(ModelSetupError, match=r"nobody answers at 127\.0\.0\.1"):
        chosen(OPENAI_BASE_URL="http://127.0.0.1:9", OPENAI_MODEL="m").answer(CHAT)


def test_without_keys_there_is_no_live_model() -> None:
    assert choose_live_model({}) is None
    assert choose_live_model({"OPENAI_API_KEY": " "}) is None


def test_openai_comes_first_and_the_provider_can_be_chosen(chosen: Callable[..., LiveModel]) -> None:
    environ = {"OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY}
    first, other = choose_live_model(environ), choose_live_model(environ, provider="anthropic")
    assert first is not None
    assert other is not None
    assert "OpenAI" in first.description
    assert "Anthropic" in other.description
    first.close()
    other.close()


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_provider_that_is_not_set_up_is_refused_with_its_variable(provider: str) -> None:
    with pytest.raises(ModelSetupError, match=f"{provider.upper()}_API_KEY"):
        choose_live_model({}, provider=provider)


def test_a_key_that_no_header_can_carry_is_refused_without_showing_it() -> None:
    with pytest.raises(ModelSetupError, match="OPENAI_API_KEY") as caught:
        choose_live_model({"OPENAI_API_KEY": "schl\u00fcssel"})
    assert "schl" not in str(caught.value)
