"""Says which public methods of the Phoenix package no integration test uses against a real server.

``python -m tools.phoenix.operations`` runs ``tests/integration/phoenix`` with this module as a plugin of pytest; what
is given to it goes to pytest (``-n 2``). Only a method that sent a request, and that was not called by another of its
own class, counts as used.
"""

from __future__ import annotations

import functools
import inspect
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

__all__ = ["main", "methods", "unused"]

_ROOT: Final = Path(__file__).parents[2]
_TESTS: Final = "tests/integration/phoenix"
_FOLDER: Final = "PROMPTOPS_OPERATIONS_FOLDER"
_RESOURCES: Final = ("prompts", "datasets", "experiments", "projects", "spans", "traces", "sessions", "annotations")
_STORES: Final = ("prompts", "datasets", "experiments")
_SILENT: Final = frozenset(
    {
        "aclose",
        "close",
        "discard_plan",
        "history",
        "history_page",
        "iterate_history",
        "peek",
        "set_schema",
    }
    | {"PhoenixPromptStore.latest", "PhoenixPromptStore.render"}
)
"""What needs not send anything: it closes, forgets, looks at what is here, or says that Phoenix has no such thing."""

_inside: ContextVar[tuple[str, ...]] = ContextVar("_inside", default=())
_used: set[str] = set()


def classes() -> list[type[Any]]:
    """Both clients, all their resources, and the stores."""
    from promptops.phoenix import PhoenixClient, SyncPhoenixClient

    found: list[type[Any]] = []
    for client_class in (PhoenixClient, SyncPhoenixClient):
        client = client_class(base_url="http://127.0.0.1:9")
        found += [client_class, *(type(getattr(client, name)) for name in _RESOURCES)]
        found += [type(getattr(client.stores, name)) for name in _STORES]
    return list(dict.fromkeys(found))


def methods(kind: type[Any]) -> Iterator[str]:
    """The names of the public methods of a class that send requests."""
    for name, value in inspect.getmembers(kind, inspect.isfunction):
        # What a blocking class has is a bridge to a coroutine, or written by hand because it sends requests.
        blocking = kind.__name__.startswith("Sync") and not hasattr(value, "__bridged__")
        if (
            not name.startswith("_")
            and not {name, f"{kind.__name__}.{name}"} & _SILENT
            and (blocking or _waits(inspect.unwrap(value)))
        ):
            yield name


def _waits(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def unused(folder: Path) -> list[str]:
    """What no process has used that left its notes in a folder."""
    used = {line for notes in folder.iterdir() for line in notes.read_text(encoding="utf-8").splitlines()}
    return sorted({f"{kind.__name__}.{name}" for kind in classes() for name in methods(kind)} - used)


@contextmanager
def _within(method: str) -> Generator[None]:
    token = _inside.set((*_inside.get(), method))
    try:
        yield
    finally:
        _inside.reset(token)


def _note() -> None:
    owner = ""
    for method in _inside.get():
        kind = method.partition(".")[0]
        if kind != owner:
            _used.add(method)
        owner = kind


def _watched(method: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The same method, which knows while it runs that it does."""

    @functools.wraps(function)
    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        with _within(method):
            return await function(*args, **kwargs)

    @functools.wraps(function)
    async def generator(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        items = function(*args, **kwargs)
        try:
            while True:
                with _within(method):
                    try:
                        item = await anext(items)
                    except StopAsyncIteration:
                        return
                yield item
        finally:
            await items.aclose()

    @functools.wraps(function)
    def plain(*args: Any, **kwargs: Any) -> Any:
        with _within(method):
            made = function(*args, **kwargs)
        return _iterated(method, made) if inspect.isgenerator(made) else made

    if inspect.isasyncgenfunction(function):
        return generator
    return coroutine if inspect.iscoroutinefunction(function) else plain


def _iterated(method: str, items: Any) -> Iterator[Any]:
    try:
        while True:
            with _within(method):
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield item
    finally:
        items.close()


def pytest_configure() -> None:
    """Watch every method in this test process."""
    from promptops.phoenix._runtime import PhoenixRuntime

    for kind in classes():
        for name in list(methods(kind)):
            setattr(kind, name, _watched(f"{kind.__name__}.{name}", getattr(kind, name)))
    send, stream = PhoenixRuntime.send, PhoenixRuntime.stream

    @functools.wraps(send)
    async def noted(*args: Any, **kwargs: Any) -> Any:
        answer = await send(*args, **kwargs)
        _note()
        return answer

    @functools.wraps(stream)
    def noted_stream(*args: Any, **kwargs: Any) -> Any:
        _note()
        return stream(*args, **kwargs)

    PhoenixRuntime.send = noted  # type: ignore[method-assign]  # for the life of this process
    PhoenixRuntime.stream = noted_stream  # type: ignore[method-assign]


def pytest_unconfigure() -> None:
    """Leave notes of what was used in this test process."""
    if _used:
        Path(os.environ[_FOLDER], str(os.getpid())).write_text("\n".join(sorted(_used)), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests and name what they leave out; 1 when there is something, or a test failed."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, _FOLDER: folder, "PYTHONPATH": str(_ROOT)}
        command = [sys.executable, "-m", "pytest", "-p", "tools.phoenix.operations", *(given or ["-n", "auto"]), _TESTS]
        failed = subprocess.run(command, cwd=_ROOT, env=environment, check=False).returncode
        missing = unused(Path(folder))
    every = sum(1 for kind in classes() for _ in methods(kind))
    sys.stdout.write(f"{every - len(missing)} of {every} methods were used\n")
    sys.stdout.writelines(f"never used: {name}\n" for name in missing)
    return 1 if missing or failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
