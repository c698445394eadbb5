"""Bad input and bad servers: a typed error that says what to do, and never shows the key."""

from __future__ import annotations

import socket
import traceback
from collections.abc import Awaitable, Callable, Iterator
from time import monotonic
from typing import Any

import pytest
from promptops.client import (
    AuthenticationError,
    ClientConfig,
    ConflictError,
    InvalidResponseError,
    NetworkError,
    NotFoundError,
    PromptNotFoundError,
    PromptOpsClient,
    PromptOpsError,
    ServerError,
    TimeoutError,  # noqa: A004 - the published name
    ValidationError,
)
from promptops.core.testing.faults import BlackHole, Canned, Cut, FaultProxy, Html, Mode, TruncatedJson

pytestmark = pytest.mark.anyio
Unique = Callable[[str], str]
MakeClient = Callable[..., PromptOpsClient]
KEY = "promptops_sk_AbCdEfGhIjKl_" + "7" * 43 + "_Zz9Yy8"
CALLS: dict[str, Callable[[PromptOpsClient], Awaitable[Any]]] = {
    "prompts.get": lambda client: client.prompts.get("greeting"),
    "prompts.list": lambda client: client.prompts.list(),
    "datasets.list": lambda client: client.datasets.list(),
    "experiments.list": lambda client: client.experiments.list(),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


def everything_it_says(error: PromptOpsError) -> str:
    """Each text through which an error could reach a log."""
    chain = "".join(traceback.format_exception(error))
    return f"{error!s} {error!r} {error.args} {error.details} {vars(error)} {chain}"


@pytest.fixture
def proxy(keyed_server: Any) -> Iterator[FaultProxy]:
    """Stands between a client and the server."""
    with FaultProxy(keyed_server.url) as running:
        yield running


@pytest.fixture
def through(make_client: MakeClient, keyed_server: Any, proxy: FaultProxy) -> Callable[[Mode], PromptOpsClient]:
    """A client behind a fault."""

    def make(mode: Mode) -> PromptOpsClient:
        proxy.set(mode)
        return make_client(keyed_server.config(base_url=proxy.url))

    return make


@every_call
async def test_no_server_at_the_address(make_client: MakeClient, call: Callable[..., Awaitable[Any]]) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused, and nobody else gets it
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        with pytest.raises(NetworkError) as caught:
            await call(make_client(ClientConfig(base_url=url, api_key=KEY, read_environment=False)))
    assert url in caught.value.message
    assert "promptops serve" in caught.value.message
    assert caught.value.retryable
    assert KEY not in everything_it_says(caught.value)


async def test_a_name_that_nobody_knows(make_client: MakeClient) -> None:
    url = "http://no-such-host.invalid"
    with pytest.raises(NetworkError, match=r"no-such-host\.invalid") as caught:
        await make_client(ClientConfig(base_url=url, api_key=KEY, read_environment=False)).prompts.get("x")
    assert "PROMPTOPS_BASE_URL" in caught.value.message


@every_call
async def test_a_wrong_key(make_client: MakeClient, keyed_server: Any, call: Callable[..., Awaitable[Any]]) -> None:
    with pytest.raises(AuthenticationError) as caught:
        await call(make_client(keyed_server.config(api_key=KEY)))
    assert not caught.value.retryable
    assert "key" in caught.value.message.lower()
    assert caught.value.request_id
    assert KEY not in everything_it_says(caught.value)


async def test_a_missing_key(make_client: MakeClient, keyed_server: Any) -> None:
    with pytest.raises(AuthenticationError, match="No key was sent; pass api_key, or set PROMPTOPS_API_KEY"):
        await make_client(keyed_server.config(api_key=None)).prompts.list()


@every_call
async def test_a_page_of_a_proxy(
    through: Callable[[Mode], PromptOpsClient], keyed_server: Any, call: Callable[..., Awaitable[Any]]
) -> None:
    with pytest.raises(InvalidResponseError) as caught:
        await call(through(Html()))
    assert "base_url" in caught.value.message
    assert "HTML" in caught.value.message
    assert keyed_server.key not in everything_it_says(caught.value)


async def test_a_missing_page_of_a_proxy_does_not_mean_that_the_prompt_is_gone(
    through: Callable[[Mode], PromptOpsClient],
) -> None:
    with pytest.raises(InvalidResponseError) as caught:
        await through(Html(status=404)).prompts.get("greeting")
    assert not isinstance(caught.value, NotFoundError)


@every_call
async def test_truncated_json(
    through: Callable[[Mode], PromptOpsClient], keyed_server: Any, call: Callable[..., Awaitable[Any]]
) -> None:
    client = through(TruncatedJson())
    with pytest.raises(InvalidResponseError) as caught:
        # A 404 cut in half is no answer either; the proxy sends half of any body with status 200.
        await call(client)
    assert isinstance(caught.value, ServerError)
    assert keyed_server.key not in everything_it_says(caught.value)


async def test_an_answer_that_ends_too_early(through: Callable[[Mode], PromptOpsClient], keyed_server: Any) -> None:
    with pytest.raises(NetworkError) as caught:
        await through(Cut(at=40)).prompts.list()
    assert caught.value.retryable
    assert keyed_server.key not in everything_it_says(caught.value)


async def test_a_server_that_says_nothing(make_client: MakeClient, keyed_server: Any, proxy: FaultProxy) -> None:
    proxy.set(BlackHole())
    client = make_client(keyed_server.config(base_url=proxy.url, timeout=0.5))
    started = monotonic()
    with pytest.raises(TimeoutError) as caught:
        await client.prompts.get("greeting")
    assert monotonic() - started < 2.5  # three, without that
    assert caught.value.timeout_duration <= 0.5


async def test_a_server_that_fails(make_client: MakeClient, keyed_server: Any, proxy: FaultProxy) -> None:
    body = f'{{"detail": "broken, and it quotes {keyed_server.key}"}}'.encode()
    proxy.set(Canned(status=500, body=body))
    client = make_client(keyed_server.config(base_url=proxy.url, timeout=20.0))
    with pytest.raises(ServerError) as caught:
        await client.prompts.list()
    assert caught.value.status_code == 500
    assert keyed_server.key not in everything_it_says(caught.value)


async def test_a_prompt_that_is_not_there_suggests_close_names(client: PromptOpsClient, unique: Unique) -> None:
    name = unique("onboarding-mail")
    await client.prompts.create(name, content="x")
    with pytest.raises(PromptNotFoundError) as caught:
        await client.prompts.get(name[:-1] + "-")
    assert caught.value.prompt_id == name[:-1] + "-"
    assert name in caught.value.suggested_prompts
    assert name[:-1] + "-" in caught.value.message


async def test_suggestions_come_from_the_callers_projects_only(
    make_client: MakeClient, keyed_server: Any, unique: Unique
) -> None:
    name = unique("secret-plan")
    await make_client(keyed_server.config()).prompts.create(name, content="x")
    stranger = make_client(keyed_server.config(api_key=keyed_server.other_key))
    for asked in (name, name[:-1] + "-"):
        with pytest.raises(PromptNotFoundError) as caught:
            await stranger.prompts.get(asked)
        assert caught.value.suggested_prompts == []
        assert name not in everything_it_says(caught.value).replace(asked, "")


async def test_a_version_that_is_not_there(client: PromptOpsClient, unique: Unique) -> None:
    name = unique("one-version")
    await client.prompts.create(name, content="x")
    with pytest.raises(PromptNotFoundError, match=r"9\.9\.9"):
        await client.prompts.get(name, version="9.9.9")


@pytest.mark.parametrize("on_server", [False, True])
async def test_missing_variables_are_all_named_at_once(
    client: PromptOpsClient, unique: Unique, on_server: bool
) -> None:
    name = unique("variables")
    await client.prompts.create(name, content="{{ first }} {{ second.part }} {{ given }} {{ third }}")
    with pytest.raises(ValidationError) as caught:
        await client.prompts.render(name, {"given": 1}, on_server=on_server)
    fields = [problem["field"] for problem in caught.value.validation_errors]
    assert fields == ["variables.first", "variables.second.part", "variables.third"]
    for variable in ("first", "second.part", "third"):
        assert variable in caught.value.message


async def test_an_empty_experiment(client: PromptOpsClient, unique: Unique) -> None:
    dataset = await client.datasets.create(unique("sums"), [{"a": 1}])
    with pytest.raises(ValidationError, match="run"):
        await client.experiments.create(unique("empty"), dataset=dataset.id, runs=[])


async def test_an_empty_dataset(client: PromptOpsClient, unique: Unique) -> None:
    with pytest.raises(ValidationError, match="example"):
        await client.datasets.create(unique("empty"), [])


async def test_a_duplicate_name(client: PromptOpsClient, unique: Unique) -> None:
    name = unique("twice")
    await client.prompts.create(name, content="x")
    dataset = await client.datasets.create(name, [{"a": 1}])
    example = (await client.datasets.examples(dataset.id))[0]
    runs = [{"example_id": example.id, "output": "x"}]
    await client.experiments.create(name, dataset=dataset.id, runs=runs)
    for again in (
        lambda: client.prompts.create(name, content="x"),
        lambda: client.datasets.create(name, [{"a": 1}]),
        lambda: client.experiments.create(name, dataset=dataset.id, runs=runs),
    ):
        with pytest.raises(ConflictError) as caught:
            await again()
        assert name in caught.value.message
        assert not caught.value.retryable


async def test_an_unknown_example_id(client: PromptOpsClient, unique: Unique) -> None:
    dataset = await client.datasets.create(unique("sums"), [{"a": 1}])
    known = (await client.datasets.examples(dataset.id))[0].id
    runs = [{"example_id": which, "output": "x"} for which in (known, "no-such-one", "nor-this")]
    with pytest.raises(ValidationError) as caught:
        await client.experiments.create(unique("mistaken"), dataset=dataset.id, runs=runs)
    said = f"{caught.value.message} {caught.value.validation_errors}"
    assert "example_id" in said
    assert "no-such-one" in said
    assert "nor-this" in said
    assert await client.experiments.list(dataset=dataset.id) == []


@pytest.mark.parametrize("kind", ["dataset", "experiment"])
async def test_a_thing_that_is_not_there_is_named(client: PromptOpsClient, unique: Unique, kind: str) -> None:
    name = unique("absent")
    with pytest.raises(NotFoundError, match=name):
        await getattr(client, f"{kind}s").get(name)


BAD_ARGUMENTS: list[tuple[Callable[[Any], Awaitable[Any]], str]] = [
    (lambda client: client.prompts.get(""), "name"),
    (lambda client: client.prompts.get("x", version="one"), "version"),
    (lambda client: client.prompts.list(limit=0), "limit"),
    (lambda client: client.prompts.list(skip=-1), "skip"),
    (lambda client: client.prompts.list(sort_by="colour"), "sort_by"),
    (lambda client: client.prompts.list(sort_order="up"), "sort_order"),
    (lambda client: client.prompts.create("x"), "content"),
    (lambda client: client.prompts.create("", content="x"), "name"),
    (lambda client: client.prompts.create("x", content="x", template_format="jinja"), "template_format"),
    (lambda client: client.experiments.create('a"b', dataset="x", runs=[{"output": "x"}]), "name"),
]


@pytest.mark.parametrize(("call", "named"), BAD_ARGUMENTS)
async def test_bad_arguments_are_refused_before_any_request(
    make_client: MakeClient, call: Callable[[Any], Awaitable[Any]], named: str
) -> None:
    client = make_client(ClientConfig(base_url="http://127.0.0.1:9", read_environment=False))
    with pytest.raises(ValidationError, match=named):
        await call(client)
