"""Rendering and cached reads, beside the cheapest thing that Python offers for each, in one run.

Run it as ``python benchmarks/render_bench.py [--json]``. Every figure is the best of several rounds that take turns,
so that what the machine does meanwhile meets all of them alike.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any, cast

import msgspec
from promptops.core.messages import Request, Response
from promptops.core.runtime import Runtime
from promptops.prompts import AsyncPrompts, SyncPrompts
from promptops.prompts.render import render_prompt
from promptops.prompts.template import compile_template

ROUNDS = 15
NAMES = [f"variable_{number}" for number in range(10)]
FILLER = "Answer the question as precisely as you can, and say so when you do not know. "
VALUES: dict[str, Any] = {name: f"value of {name}" for name in NAMES}
PROMPT = {
    "id": "5f0c2e9e-0000-4000-8000-000000000001",
    "slug": "greeting",
    "name": "Greeting",
    "content": "Hello {{ who }}!",
    "version": "1.0.0",
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z",
}


def source(opening: str, closing: str) -> str:
    """2 KiB of text with ten variables spread over it."""
    text = (FILLER * 3)[:188]
    return "".join(f"{text}{opening}{name}{closing}" for name in NAMES)


class OnePrompt:
    """A runtime that knows one prompt."""

    async def send(self, _: Request) -> Response:
        return Response(status=200, headers={}, body=msgspec.json.encode(PROMPT))


def best(*functions: Callable[[], object], number: int) -> list[float]:
    """Seconds for one call of each function."""
    seconds = [float("inf")] * len(functions)
    for _ in range(ROUNDS):
        for index, function in enumerate(functions):
            started = time.perf_counter()
            for _ in range(number):
                function()
            seconds[index] = min(seconds[index], (time.perf_counter() - started) / number)
    return seconds


async def best_awaited(read: Callable[[], Any], number: int) -> float:
    """Seconds for one awaited call."""
    seconds = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(number):
            await read()
        seconds = min(seconds, (time.perf_counter() - started) / number)
    return seconds


def main() -> None:
    mustache, f_string = source("{{ ", " }}"), source("{", "}")
    template = compile_template(mustache)
    prompts = AsyncPrompts(cast("Runtime", OnePrompt()))
    blocking = SyncPrompts(prompts)
    prompt = blocking.get("greeting")
    large = msgspec.structs.replace(prompt, content=mustache)
    assert template.render(VALUES)[0] == f_string.format_map(VALUES) == render_prompt(large, VALUES).content

    plain, ours, again, whole = best(
        lambda: f_string.format_map(VALUES),
        lambda: template.render(VALUES),
        lambda: compile_template(mustache).render(VALUES),
        lambda: render_prompt(large, VALUES),
        number=2000,
    )
    kept = {"greeting": prompt}
    # A read of the latest version, and of a numbered one.
    dictionary, latest, numbered, peek = best(
        lambda: kept["greeting"],
        lambda: blocking.get("greeting"),
        lambda: blocking.get("greeting", version="v1.0"),
        lambda: prompts.peek("greeting"),
        number=20_000,
    )
    awaited = asyncio.run(best_awaited(lambda: prompts.get("greeting"), 20_000))
    blocking_render, _ = best(lambda: blocking.render("greeting", {"who": "Ada"}), lambda: None, number=5000)
    report = {
        "render_us": ours * 1e6,
        "render_vs_format_map": ours / plain,
        "compile_cached_and_render_vs_format_map": again / plain,
        "render_prompt_vs_format_map": whole / plain,
        "dict_ns": dictionary * 1e9,
        "sync_get_ns": latest * 1e9,
        "sync_get_vs_dict": latest / dictionary,
        "sync_get_numbered_vs_dict": numbered / dictionary,
        "peek_vs_dict": peek / dictionary,
        "async_get_vs_dict": awaited / dictionary,
        "sync_render_us": blocking_render * 1e6,
    }
    if "--json" in sys.argv[1:]:
        print(json.dumps(report))
        return
    for name, figure in report.items():
        print(f"{name:42} {figure:10.2f}")


if __name__ == "__main__":
    main()
