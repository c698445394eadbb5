"""Rendering and cached reads, beside the cheapest thing that Python offers for each and other engines, in one run.

Run it as ``python -m benchmarks.render_bench [--json]``. Every figure is the best of several rounds that take turns,
so that what the machine does meanwhile meets all of them alike.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from typing import Any, cast

import chevron  # type: ignore[import-untyped] # ships no types
import jinja2
import msgspec
from promptops.core.messages import Request, Response
from promptops.core.runtime import Runtime
from promptops.prompts import AsyncPrompts, SyncPrompts
from promptops.prompts.render import render_prompt
from promptops.prompts.template import compile_template

from benchmarks._texts import ROUNDS, VALUES, best, source

PROMPT = {
    "id": "5f0c2e9e-0000-4000-8000-000000000001",
    "slug": "greeting",
    "name": "Greeting",
    "content": "Hello {{ who }}!",
    "version": "1.0.0",
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z",
}


SECTIONS = (
    "{{#documents}}\n[{{id}}] {{title}}{{#author}} by {{.}}{{/author}}\n{{#tags}}{{.}}, {{/tags}}\n{{/documents}}\n"
    "{{^documents}}No documents.{{/documents}}{{question}}"
)
LOOPS = (
    "{% for d in documents %}\n[{{ d.id }}] {{ d.title }}{% if d.author %} by {{ d.author }}{% endif %}\n"
    "{% for tag in d.tags %}{{ tag }}, {% endfor %}\n{% endfor %}{% if not documents %}No documents.{% endif %}"
    "{{ question }}"
)
DOCUMENTS: dict[str, Any] = {
    "documents": [
        {"id": number, "title": f"Title {number}", "author": "Ada" if number % 2 else None, "tags": ["a", "b", "c"]}
        for number in range(50)
    ],
    "question": "Why?",
}


class OnePrompt:
    """A runtime that knows one prompt."""

    def deadline(self, seconds: float) -> AbstractContextManager[None]:
        """Nothing here takes any time."""
        del seconds
        return nullcontext()

    def lock(self) -> AbstractAsyncContextManager[None]:
        """Nobody else is here."""
        return nullcontext()

    async def send(self, _: Request) -> Response:
        return Response(status=200, headers={}, body=msgspec.json.encode(PROMPT))


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
    # jinja2 is compiled in advance; chevron keeps its tokens itself.
    environment = jinja2.Environment()
    compiled, loops = environment.from_string(mustache), environment.from_string(LOOPS)
    sandboxed, sandboxed_loops = compile_template(mustache, "jinja2"), compile_template(LOOPS, "jinja2")
    assert (
        compiled.render(VALUES)
        == chevron.render(mustache, VALUES)
        == sandboxed.render(VALUES)[0]
        == f_string.format_map(VALUES)
    )
    again_plain, mustache_us, jinja2_us, chevron_us, sandboxed_us = best(
        lambda: f_string.format_map(VALUES),
        lambda: template.render(VALUES),
        lambda: compiled.render(VALUES),
        lambda: chevron.render(mustache, VALUES),
        lambda: sandboxed.render(VALUES),
        number=500,
    )
    sections = compile_template(SECTIONS)
    sections_us, loops_us, sections_chevron_us, sandboxed_loops_us = best(
        lambda: sections.render(DOCUMENTS),
        lambda: loops.render(DOCUMENTS),
        lambda: chevron.render(SECTIONS, DOCUMENTS),
        lambda: sandboxed_loops.render(DOCUMENTS),
        number=50,
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
    # Older than its ttl, and the next refresh is not due: what every reader meets during an outage.
    for entry in prompts.cache.shelf.entries.values():
        entry.fresh_until = 0.0
        entry.serve_until = time.monotonic() + 3600.0
    assert blocking.read("greeting").stale
    again_dictionary, stale = best(lambda: kept["greeting"], lambda: blocking.get("greeting"), number=20_000)
    blocking_render, _ = best(lambda: blocking.render("greeting", {"who": "Ada"}), lambda: None, number=5000)
    report = {
        "render_us": ours * 1e6,
        "render_vs_format_map": ours / plain,
        "compile_cached_and_render_vs_format_map": again / plain,
        "render_prompt_vs_format_map": whole / plain,
        "render_vs_jinja2": mustache_us / jinja2_us,
        "render_vs_chevron": mustache_us / chevron_us,
        "jinja2_vs_format_map": jinja2_us / again_plain,
        "chevron_vs_format_map": chevron_us / again_plain,
        "our_jinja2_vs_jinja2": sandboxed_us / jinja2_us,
        "sections_us": sections_us * 1e6,
        "sections_vs_jinja2": sections_us / loops_us,
        "sections_vs_chevron": sections_us / sections_chevron_us,
        "our_jinja2_loops_vs_jinja2": sandboxed_loops_us / loops_us,
        "dict_ns": dictionary * 1e9,
        "sync_get_ns": latest * 1e9,
        "sync_get_vs_dict": latest / dictionary,
        "sync_get_numbered_vs_dict": numbered / dictionary,
        "sync_stale_get_vs_dict": stale / again_dictionary,
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
