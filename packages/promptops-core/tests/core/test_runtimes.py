"""What the two runtimes add to the policy: waiting, locks, concurrency, threads, pools, other people's clients."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest
from promptops.core import (
    AsyncRuntime,
    AuthorizationError,
    ConfigurationError,
    NetworkError,
    NotFoundError,
    Request,
    Runtime,
    RuntimeConfig,
    SyncRuntime,
)
from promptops.core import TimeoutError as PromptOpsTimeoutError
from promptops.core.bridge import drive
from promptops.core.messages import EXPERIMENT_RESULTS, PROMPT_READ, PROMPT_REFRESH, READ, TELEMETRY, WRITE
from promptops.core.testing import FakeTransport, json_response

Play = Callable[..., Any]
Serve = Callable[[Callable[[str, str, dict[str, str], bytes], tuple[int, dict[str, str], bytes]]], Any]
GET = Request(method="GET", path="/x")


def echo(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
    return 200, {"X-Request-Id": "req-echo-1"}, f"{method} {path} {headers.get('authorization')}".encode() + body


@pytest.fixture
def closed_port() -> int:
    """Where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def both() -> list[Runtime]:
    config = RuntimeConfig()
    return [SyncRuntime(config, transport=FakeTransport()), AsyncRuntime(config, transport=FakeTransport())]


def test_both_runtimes_are_runtimes() -> None:
    assert len(both()) == 2


def test_call_over_a_real_socket(play: Play, serve: Serve) -> None:
    server = serve(echo)

    async def scenario(runtime: Runtime) -> tuple[bytes, str | None]:
        request = Request(method="POST", path="/v2/a%2Fb", query=(("q", "1"),), body=b"{}", idempotency_key="k")
        response = await runtime.send(request)
        return response.body, response.request_id

    body, request_id = play(scenario, RuntimeConfig(base_url=f"{server.url}/prefix/v1/client", api_key="real-key"))
    assert body == b"POST /prefix/v2/a%2Fb?q=1 Bearer real-key{}"
    assert request_id == "req-echo-1"


def test_stream_over_a_real_socket(play: Play, serve: Serve) -> None:
    server = serve(lambda method, path, headers, body: (200, {}, b"x" * 300_000))

    async def scenario(runtime: Runtime) -> int:
        async with runtime.stream(GET) as answer:
            return sum([len(chunk) async for chunk in answer.chunks()])

    assert play(scenario, RuntimeConfig(base_url=server.url)) == 300_000


def test_nothing_listening_says_so(play: Play) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]

        async def scenario(runtime: Runtime) -> None:
            await runtime.send(Request(method="GET", path="/x", profile=PROMPT_READ))

        with pytest.raises(NetworkError) as caught:
            play(scenario, RuntimeConfig(base_url=f"http://127.0.0.1:{port}"))
    assert f"Nothing listens at http://127.0.0.1:{port}" in caught.value.message
    assert "promptops serve" in caught.value.message


def test_unknown_name_says_so(play: Play) -> None:
    async def scenario(runtime: Runtime) -> None:
        await runtime.send(Request(method="GET", path="/x", profile=PROMPT_REFRESH))

    with pytest.raises(NetworkError) as caught:
        play(scenario, RuntimeConfig(base_url="http://no-such-host.invalid"))
    assert "no-such-host.invalid" in caught.value.message


def test_silent_server_ends_with_the_deadline(play: Play) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        async def scenario(runtime: Runtime) -> float:
            start = time.perf_counter()
            with pytest.raises(PromptOpsTimeoutError) as caught:
                await runtime.send(Request(method="GET", path="/x", timeout=0.3))
            assert caught.value.timeout_duration == 0.3
            return time.perf_counter() - start

        took = play(scenario, RuntimeConfig(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}"))
    assert 0.25 <= took <= 5.0


def test_gather_keeps_the_order(play: Play) -> None:
    async def scenario(runtime: Runtime) -> Any:
        async def number(value: int) -> int:
            await runtime.sleep(0.02 if value == 0 else 0.0)
            return value

        def thunk(value: int) -> Any:
            return lambda: number(value)

        assert await runtime.gather() == []
        return list(await runtime.gather(*[thunk(value) for value in range(6)], limit=3))

    assert play(scenario, None, transport=FakeTransport()) == list(range(6))


def test_gather_raises_the_first_error_as_it_is(play: Play) -> None:
    async def scenario(runtime: Runtime) -> None:
        async def fail() -> None:
            raise LookupError("this one")

        async def wait() -> None:
            await runtime.sleep(0.01)

        await runtime.gather(wait, fail, fail)

    with pytest.raises(LookupError, match="this one"):
        play(scenario, None, transport=FakeTransport())


def test_gather_runs_at_most_limit_at_once() -> None:
    async def main() -> int:
        runtime = AsyncRuntime(RuntimeConfig(), transport=FakeTransport())
        running = most = 0

        async def work() -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await runtime.sleep(0.005)
            running -= 1

        await runtime.gather(*[work] * 20, limit=4)
        return most

    assert anyio.run(main) == 4


def test_gather_within_a_deadline_is_bounded_by_it(play: Play) -> None:
    async def scenario(runtime: Runtime) -> None:
        with runtime.deadline(0.05):
            await runtime.gather(*[lambda: runtime.sleep(5)] * 3)

    with pytest.raises(PromptOpsTimeoutError):
        play(scenario, None, transport=FakeTransport())


def test_lock_excludes_threads_in_blocking_code() -> None:
    runtime = SyncRuntime(RuntimeConfig(), transport=FakeTransport())
    lock = runtime.lock()
    inside = most = 0

    async def work() -> None:
        nonlocal inside, most
        async with lock:
            inside += 1
            most = max(most, inside)
            time.sleep(0.002)  # noqa: ASYNC251 - blocking code, driven without a loop
            inside -= 1

    threads = [threading.Thread(target=lambda: drive(work())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_lock_excludes_tasks(backend: str) -> None:
    async def main() -> int:
        runtime = AsyncRuntime(RuntimeConfig(), transport=FakeTransport())
        lock = runtime.lock()
        inside = most = 0

        async def work() -> None:
            nonlocal inside, most
            async with lock:
                inside += 1
                most = max(most, inside)
                await runtime.sleep(0.001)
                inside -= 1

        await runtime.gather(*[work] * 8)
        return most

    assert anyio.run(main, backend=backend) == 1


def test_thread_that_waits_for_a_lock_ends_with_the_deadline() -> None:
    runtime = SyncRuntime(RuntimeConfig(), transport=FakeTransport())
    lock = runtime.lock()

    async def contend() -> None:
        async with lock:
            with runtime.deadline(0.05):
                async with lock:
                    pass

    with pytest.raises(PromptOpsTimeoutError, match="lock"):
        drive(contend())


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_task_that_waits_for_a_lock_ends_with_the_deadline(backend: str) -> None:
    async def main() -> None:
        runtime = AsyncRuntime(RuntimeConfig(), transport=FakeTransport())
        lock = runtime.lock()

        async def hold() -> None:
            async with lock:
                await runtime.sleep(60)

        async def wait() -> None:
            await runtime.sleep(0.01)
            with runtime.deadline(0.05):
                async with lock:
                    pass

        await runtime.gather(hold, wait)

    with pytest.raises(PromptOpsTimeoutError, match="lock"):
        anyio.run(main, backend=backend)


def test_blocking_work_leaves_the_loop_free_and_takes_keywords(play: Play, flavour: str) -> None:
    async def scenario(runtime: Runtime) -> tuple[int, bool]:
        def work(left: int, *, right: int) -> tuple[int, bool]:
            return left * right, threading.current_thread() is threading.main_thread()

        return await runtime.run_blocking(work, 6, right=7)

    assert play(scenario, None, transport=FakeTransport()) == (42, flavour == "sync")


def test_one_async_runtime_serves_several_loops(serve: Serve) -> None:
    server = serve(echo)
    runtime = AsyncRuntime(RuntimeConfig(base_url=server.url))

    async def main() -> int:
        responses = await runtime.gather(*[lambda: runtime.send(GET)] * 5)
        return len(responses)

    assert [anyio.run(main), anyio.run(main), anyio.run(main, backend="trio")] == [5, 5, 5]
    anyio.run(runtime.aclose)


def test_one_sync_runtime_serves_many_threads(serve: Serve) -> None:
    server = serve(lambda method, path, headers, body: (200, {}, path.encode()))
    runtime = SyncRuntime(RuntimeConfig(base_url=server.url, max_connections=4))
    wrong: list[bytes] = []

    def work(name: int) -> None:
        for number in range(20):
            path = f"/{name}/{number}"
            body = drive(runtime.send(Request(method="GET", path=path))).body
            if body != path.encode():
                wrong.append(body)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drive(runtime.aclose())
    assert wrong == []


class Counting(SyncRuntime):
    """Counts the transports that it makes."""

    made: list[FakeTransport]

    def _make_transport(self) -> FakeTransport:
        self.made.append(FakeTransport(json_response({})))
        return self.made[-1]


def test_prompts_telemetry_and_the_rest_have_connections_of_their_own() -> None:
    runtime = Counting(RuntimeConfig())
    runtime.made = []
    for profile in (PROMPT_READ, PROMPT_REFRESH, READ, WRITE, EXPERIMENT_RESULTS, TELEMETRY, PROMPT_READ):
        drive(runtime.send(Request(method="GET", path=f"/{profile.name}", profile=profile)))
    asked = [[attempt.target for attempt in transport.attempts] for transport in runtime.made]
    assert asked == [
        ["/prompt_read", "/prompt_refresh", "/prompt_read"],
        ["/read", "/write", "/experiment_results"],
        ["/telemetry"],
    ]
    drive(runtime.aclose())
    assert all(transport.closed for transport in runtime.made)


def test_connections_are_opened_at_first_use_only() -> None:
    runtime = Counting(RuntimeConfig())
    runtime.made = []
    drive(runtime.aclose())
    assert runtime.made == []


def test_failing_to_close_one_pool_still_closes_the_others() -> None:
    class Broken(FakeTransport):
        async def aclose(self) -> None:
            await super().aclose()
            raise OSError("stuck")

    runtime = Counting(RuntimeConfig())
    runtime.made = []
    drive(runtime.send(GET))
    runtime.made[0].__class__ = Broken
    drive(runtime.send(Request(method="GET", path="/t", profile=TELEMETRY)))
    with pytest.raises(OSError, match="stuck"):
        drive(runtime.aclose())
    assert [transport.closed for transport in runtime.made] == [True, True]


def test_client_of_the_caller_carries_everything_and_stays_open(play: Play, flavour: str, serve: Serve) -> None:
    server = serve(echo)
    given: Any = (
        httpx.Client(headers={"x-mine": "1"}) if flavour == "sync" else httpx.AsyncClient(headers={"x-mine": "1"})
    )

    async def scenario(runtime: Runtime) -> bytes:
        body = (await runtime.send(GET)).body
        with pytest.raises(NotFoundError):
            await runtime.send(Request(method="GET", path="/missing"))
        async with runtime.stream(GET) as answer:
            body += b"|" + b"".join([chunk async for chunk in answer.chunks()])
        await runtime.aclose()
        assert not given.is_closed
        if flavour == "sync":
            given.close()
        else:
            await given.aclose()
        return body

    original = server.requests

    server_missing = serve(
        lambda method, path, headers, body: (
            (404, {}, b"{}") if path == "/missing" else echo(method, path, headers, body)
        )
    )
    config = RuntimeConfig(base_url=server_missing.url, api_key="real-key", http_client=given)
    assert play(scenario, config) == b"GET /x Bearer real-key|GET /x Bearer real-key"
    assert original == []
    assert all(headers["x-mine"] == "1" for _, _, headers, _ in server_missing.requests)


def test_headers_of_the_settings_go_with_every_request_and_never_into_an_error(play: Play, serve: Serve) -> None:
    server = serve(lambda method, path, headers, body: (403, {}, f"no to {headers['x-api-key']}".encode()))
    config = RuntimeConfig(
        base_url=server.url,
        headers=(("X-Api-Key", "sk-canary"), ("authorization", "Basic abc"), ("user-agent", "mine")),
    )

    async def scenario(runtime: Runtime) -> AuthorizationError:
        with pytest.raises(AuthorizationError) as caught:
            await runtime.send(GET)
        return caught.value

    error = play(scenario, config)
    assert error.message == "no to [removed]"
    ((_, _, headers, _),) = server.requests
    assert (headers["x-api-key"], headers["authorization"], headers["user-agent"]) == ("sk-canary", "Basic abc", "mine")


def test_client_of_the_wrong_kind_is_refused_at_once_by_name(flavour: str) -> None:
    class Other:
        pass

    kind = SyncRuntime if flavour == "sync" else AsyncRuntime
    with pytest.raises(ConfigurationError, match="http_client, not Other"):
        kind(RuntimeConfig(http_client=Other()))
    with httpx.Client() as blocking:
        if flavour != "sync":
            with pytest.raises(ConfigurationError, match=r"httpx\.AsyncClient"):
                kind(RuntimeConfig(http_client=blocking))


def test_missing_extra_is_named_at_once() -> None:
    code = """
import sys
sys.modules["h2"] = None
from promptops.core import ConfigurationError, RuntimeConfig, SyncRuntime
try:
    SyncRuntime(RuntimeConfig(http2=True))
except ConfigurationError as exc:
    print(exc.message)
"""
    assert "httpx[http2]" in run_python(code)


def test_proxy_carries_every_request(play: Play, serve: Serve) -> None:
    proxy = serve(lambda method, path, headers, body: (200, {}, path.encode()))

    async def scenario(runtime: Runtime) -> bytes:
        return (await runtime.send(GET)).body

    config = RuntimeConfig(base_url="http://behind.test:81/v1", proxy=proxy.url)
    assert play(scenario, config) == b"http://behind.test:81/x"


def test_proxy_that_is_down_is_blamed_and_not_the_server(play: Play, closed_port: int) -> None:
    async def scenario(runtime: Runtime) -> None:
        await runtime.send(GET)

    down = f"127.0.0.1:{closed_port}"
    config = RuntimeConfig(base_url="http://behind.test:81/v1", proxy=f"http://me:sk-canary@{down}")
    with pytest.raises(NetworkError) as caught:
        play(scenario, config)
    said = f"Cannot connect to http://behind.test:81 through the proxy http://{down}: nothing listens at the proxy."
    assert caught.value.message.startswith(said)
    assert "base_url" not in caught.value.message
    assert "canary" not in f"{caught.value.message} {caught.value.details}"


def test_control_without_a_proxy_the_server_is_blamed(play: Play, closed_port: int) -> None:
    async def scenario(runtime: Runtime) -> None:
        await runtime.send(GET)

    with pytest.raises(NetworkError, match=rf"Nothing listens at http://127\.0\.0\.1:{closed_port}\..*base_url"):
        play(scenario, RuntimeConfig(base_url=f"http://127.0.0.1:{closed_port}"))


def test_proxy_that_is_down_keeps_nobody_from_the_server(play: Play, serve: Serve, closed_port: int) -> None:
    server = serve(echo)
    ask = Request(method="GET", path="/x", profile=PROMPT_READ)

    async def fails(runtime: Runtime) -> None:
        for _ in range(5):
            with pytest.raises(NetworkError, match="through the proxy"):
                await runtime.send(ask)

    async def works(runtime: Runtime) -> int:
        return (await runtime.send(ask)).status

    play(fails, RuntimeConfig(base_url=server.url, proxy=f"http://127.0.0.1:{closed_port}"))
    assert play(works, RuntimeConfig(base_url=server.url)) == 200


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


HEAVY = (
    "[name for name in ('httpx', 'httpcore', 'structlog', 'anyio', 'asyncio', 'ssl', 'rich') if name in sys.modules]"
)


def test_importing_the_core_imports_nothing_heavy() -> None:
    assert run_python(f"import sys, promptops.core, promptops.core.testing; print({HEAVY})") == "[]"


def test_blocking_call_needs_neither_asyncio_nor_anyio(serve: Serve) -> None:
    server = serve(echo)
    code = f"""
import sys
from promptops.core import Request, RuntimeConfig, SyncRuntime
from promptops.core.bridge import drive
runtime = SyncRuntime(RuntimeConfig(base_url={server.url!r}))
drive(runtime.send(Request(method="GET", path="/x")))
drive(runtime.aclose())
print({HEAVY})
"""
    assert run_python(code) == "[]"


def test_forked_children_get_their_own_answers(serve: Serve) -> None:
    server = serve(lambda method, path, headers, body: (200, {}, path.encode()))
    code = f"""
import os
from promptops.core import Request, RuntimeConfig, SyncRuntime
from promptops.core.bridge import drive
runtime = SyncRuntime(RuntimeConfig(base_url={server.url!r}))

def ask(name, count):
    for number in range(count):
        path = f"/{{name}}/{{number}}"
        assert drive(runtime.send(Request(method="GET", path=path))).body == path.encode()

ask("parent", 3)
children = []
for child in range(4):
    pid = os.fork()
    if pid == 0:
        try:
            ask(child, 50)
        except BaseException:
            os._exit(1)
        os._exit(0)
    children.append(pid)
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
ask("parent", 3)
print(codes)
"""
    assert run_python(code) == "[0, 0, 0, 0]"
