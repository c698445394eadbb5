"""A deletion whose answer was lost has happened: the repetition that finds nothing is a success."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from promptops.client import ClientConfig, SyncPromptOpsClient
from promptops.core import NotFoundError, PromptNotFoundError
from promptops.core import caller as caller_module
from promptops.core.testing import FaultProxy
from promptops.core.testing.faults import Canned, Exchange, Mode, Pass, http_answer
from promptops.server import EmbeddedServer

Config = Callable[..., ClientConfig]


class LoseOne(Mode):
    """The server deletes; of the first answer ``at`` bytes arrive, or a proxy says something else instead."""

    def __init__(self, at: int = 0, *, instead: bytes | None = None) -> None:
        self._at = at
        self._instead = instead
        self.deletions = 0

    async def answer(self, exchange: Exchange) -> None:
        data = await exchange.fetch()
        if exchange.method == "DELETE":
            self.deletions += 1
            if self.deletions == 1:
                await exchange.write(data[: self._at] if self._instead is None else self._instead)
                exchange.close()
                return
        await exchange.write(data)


LOSSES = [
    pytest.param({"at": 0}, id="no byte"),
    pytest.param({"at": 9}, id="a part of the head"),
    pytest.param({"at": 60}, id="more of it"),
    pytest.param({"instead": http_answer(502, (), b"")}, id="a bad gateway"),
    pytest.param({"instead": http_answer(504, (), b"")}, id="a gateway that gave up"),
]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("reused", [False, True], ids=["a new connection", "a connection in use"])
def test_a_deletion_whose_answer_was_lost_is_a_success(
    server: EmbeddedServer, proxy: FaultProxy, config: Config, loss: dict[str, Any], reused: bool
) -> None:
    with SyncPromptOpsClient(config(server.url)) as client:
        client.prompts.create("Greeting", content="Hi")
    mode = LoseOne(**loss)
    proxy.set(mode)
    with SyncPromptOpsClient(config(proxy.url)) as client:
        if reused:
            assert len(client.prompts.list()) == 1  # opens the connection that the deletion takes
        assert client.prompts.delete("greeting") is True
        assert mode.deletions == 2
        with pytest.raises(PromptNotFoundError):
            client.prompts.get("greeting")


@pytest.mark.parametrize("kind", ["dataset", "version"])
def test_datasets_and_single_versions_are_deleted_once_as_well(
    server: EmbeddedServer, proxy: FaultProxy, config: Config, kind: str
) -> None:
    with SyncPromptOpsClient(config(server.url)) as client:
        dataset = client.datasets.create("Cities", examples=[{"city": "Rome"}])
        client.prompts.create("Greeting", content="Hi")
        client.prompts.update("greeting", content="Hello")
    proxy.set(LoseOne())
    with SyncPromptOpsClient(config(proxy.url)) as client:
        if kind == "dataset":
            client.datasets.delete(dataset.id)
        else:
            assert client.prompts.delete("greeting", version="1.0.0") is True
            assert [prompt.version for prompt in client.prompts.versions("greeting")] == ["1.0.1"]


def test_what_never_was_there_is_not_found(proxy: FaultProxy, config: Config) -> None:
    proxy.set(Pass())
    with SyncPromptOpsClient(config(proxy.url)) as client:
        with pytest.raises(PromptNotFoundError):
            client.prompts.delete("greeting")
        with pytest.raises(NotFoundError):
            client.datasets.delete("no-such-dataset")


def test_a_deletion_that_the_server_put_off_says_what_it_found(proxy: FaultProxy, config: Config) -> None:
    class PutOff(Mode):
        """The first call is refused for its rate, so it had no effect."""

        calls = 0

        async def answer(self, exchange: Exchange) -> None:
            self.calls += 1
            mode: Mode = Canned(429, (("retry-after-ms", "10"),), b"{}") if self.calls == 1 else Pass()
            await mode.answer(exchange)

    proxy.set(PutOff())
    with SyncPromptOpsClient(config(proxy.url)) as client, pytest.raises(PromptNotFoundError):
        client.prompts.delete("greeting")


def test_control_without_that_knowledge_the_caller_is_told_that_nothing_was_there(
    server: EmbeddedServer, proxy: FaultProxy, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller_module, "ExchangeFailed", ())
    with SyncPromptOpsClient(config(server.url)) as client:
        client.prompts.create("Greeting", content="Hi")
    proxy.set(LoseOne())
    with SyncPromptOpsClient(config(proxy.url)) as client, pytest.raises(PromptNotFoundError):
        client.prompts.delete("greeting")
