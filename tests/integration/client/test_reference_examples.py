"""The published reference, block by block: every signature holds, every model has its fields, every example runs.

The blocks are in ``reference/python-client.md``. Examples run in a function of their own, against a server that was
started for them, after :data:`PREAMBLE`. For the blocking client ``await`` and ``async`` are taken out; nothing else is
changed.
"""

from __future__ import annotations

import ast
import asyncio
import enum
import inspect
import re
import textwrap
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_overloads

import msgspec
import promptops.client
import pytest
from promptops.client import CacheLevel, PromptOpsClient, PromptOpsError, SyncPromptOpsClient
from promptops.server import EmbeddedServer

REFERENCE = Path(__file__).parent / "reference" / "python-client.md"
CLIENTS: list[type[Any]] = [PromptOpsClient, SyncPromptOpsClient]

PREAMBLE = '''
"""What the examples take for granted: prompts that they name, and functions of the application around them."""

class _Logger:
    lines = []
    def error(self, line): self.lines.append(line)
    warning = info = error

logger = _Logger()

async def get_fallback_prompt():
    return "a fallback"

async def refresh_api_key():
    return None
'''

PROMPTS: list[dict[str, Any]] = [
    {"name": "Greeting", "slug": "customer-service-greeting", "content": "Hi {{ name }}", "version": "1.2.0"},
    {"name": "Dynamic", "slug": "dynamic-prompt", "content": "Now: {{ now }}"},
    {
        "name": "Response",
        "slug": "customer-response",
        "content": "Dear {{customer_name}}, about {{issue_type}} ({{priority}}).",
        "module_id": "customer-service",
    },
    {"name": "Complex", "slug": "complex-prompt", "content": "Think about {{ topic }}."},
    {"name": "Mine", "slug": "my-prompt", "content": "Mine."},
]

FIELDS = {
    "get_stats": """total_requests successful_requests failed_requests success_rate avg_response_time_ms cache_hits
        cache_misses last_request_time""",
    "get_cache_stats": "hit_rate size max_size memory_usage hits misses",
    "get_telemetry_summary": "pending_events enabled sample_rate batch_size",
    "health_check": "status timestamp dependencies errors",
}
"""What the reference says in words about results: the fields of each."""


class Block(msgspec.Struct, frozen=True):
    """One code block: where it stands, and what it says."""

    heading: str
    number: int
    code: str

    @property
    def kind(self) -> str:
        if re.match(r"(async )?def ", self.code):
            return "signature"
        if not self.code.startswith("class "):
            return "example"
        return "signature" if "__init__" in self.code and "PromptOpsClient" in self.code else "model"

    @property
    def subject(self) -> str:
        return self.heading.rsplit(" / ", 1)[-1]


def read_blocks() -> list[Block]:
    text = REFERENCE.read_text(encoding="utf-8")
    blocks: list[Block] = []
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading = section.split("\n", 1)[0]
        codes = re.findall(r"```python\n(.*?)\n```", section, flags=re.DOTALL)
        blocks += [Block(heading, number, code) for number, code in enumerate(codes)]
    return blocks


BLOCKS = read_blocks()


def of_kind(kind: str) -> list[Any]:
    chosen = [block for block in BLOCKS if block.kind == kind]
    return [pytest.param(block, id=f"{block.subject}-{block.number}".replace(" ", "_")) for block in chosen]


def test_the_fixture_holds_every_block_of_the_reference() -> None:
    kinds = [block.kind for block in BLOCKS]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"signature": 20, "model": 7, "example": 16}


# --- signatures ------------------------------------------------------------------------------------------------------


def functions(code: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions of a block; those of the reference have no body."""
    lines = code.split("\n")
    ends = [
        index
        for index, line in enumerate(lines)
        if line.strip().startswith((")", "def ", "async def ")) and line.count("(") <= line.count(")") and line.strip()
    ]
    for index in reversed(ends):
        indent = len(lines[index]) - len(lines[index].lstrip()) + 4
        lines[index] += ":"
        lines.insert(index + 1, " " * indent + "pass")
    tree = ast.parse("\n".join(lines))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def alternatives(annotation: str) -> set[str]:
    """The types that an annotation allows, in today's spelling."""
    text = re.sub(r"\bOptional\[(.*)\]$", r"\1 | None", annotation)
    text = re.sub(r"^Union\[(.*)\]$", lambda found: found[1].replace(", None", " | None"), text)
    text = re.sub(r"Dict\[str, Any\], PromptVariables", "Dict[str, Any] | PromptVariables", text)
    text = re.sub(r"ClientConfig, str", "ClientConfig | str", text)
    text = re.sub(r"\bPartial\[ClientConfig\]", "Mapping[str, Any] | ClientConfig", text)
    text = text.replace("Dict[", "dict[").replace("List[", "list[")
    return {part.strip() for part in text.split(" | ")}


WIDER = {"dict[str, Any]": "Mapping[str, Any]"}
"""Where ours takes more than the reference says."""
NARROWER = {"RenderResponse": "RenderedPrompt"}
"""Where ours returns a subclass of what the reference says."""
ALIASES = {"SortBy": "str", "SortOrder": "str", "ApiKey": "str"}


def ours(annotation: str) -> set[str]:
    return {ALIASES.get(part, part) for part in alternatives(annotation)}


def check_signature(node: ast.FunctionDef | ast.AsyncFunctionDef, function: Any, *, blocking: bool) -> None:
    parameters = dict(inspect.signature(function).parameters)
    wanted = [*node.args.posonlyargs, *node.args.args]
    positional = [item for item in parameters.values() if item.kind is item.POSITIONAL_OR_KEYWORD]
    assert [item.name for item in positional] == [item.arg for item in wanted]
    defaults: list[Any] = [inspect.Parameter.empty] * (len(wanted) - len(node.args.defaults))
    defaults += [ast.literal_eval(default) for default in node.args.defaults]
    for item, argument, default in zip(positional, wanted, defaults, strict=True):
        assert item.default == default, item.name
        if argument.annotation is not None:
            said = {WIDER.get(part, part) for part in alternatives(ast.unparse(argument.annotation))}
            assert said <= ours(str(item.annotation)), item.name
    others = [item for item in parameters.values() if item.kind is not item.POSITIONAL_OR_KEYWORD]
    assert all(item.kind is item.KEYWORD_ONLY and item.default is not item.empty for item in others)
    assert inspect.iscoroutinefunction(function) is (isinstance(node, ast.AsyncFunctionDef) and not blocking)
    if node.returns is not None:
        said = {NARROWER.get(part, part) for part in alternatives(ast.unparse(node.returns))}
        # What is published says nothing of a fallback: that is the first of several signatures.
        several = get_overloads(inspect.unwrap(function))
        published = several[0] if several else function
        assert said == ours(str(inspect.signature(published).return_annotation))


@pytest.mark.parametrize(("published", "returned"), NARROWER.items())
def test_what_is_returned_is_what_was_published(published: str, returned: str) -> None:
    assert issubclass(getattr(promptops.client, returned), getattr(promptops.client, published))


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("block", of_kind("signature"))
def test_every_signature_is_as_published(block: Block, client: type[Any]) -> None:
    nodes = functions(block.code)
    assert len(nodes) == 1
    function = getattr(client, nodes[0].name)
    check_signature(nodes[0], function, blocking=client is SyncPromptOpsClient)
    assert inspect.getdoc(function) or nodes[0].name == "__init__"


# --- models ----------------------------------------------------------------------------------------------------------


def classes(code: str) -> list[ast.ClassDef]:
    code = re.sub(r"^(    def .*)$", r"\1: pass", code, flags=re.MULTILINE)
    return [node for node in ast.parse(code).body if isinstance(node, ast.ClassDef)]


@pytest.mark.parametrize("block", of_kind("model"))
def test_every_class_has_what_is_published(block: Block) -> None:
    for node in classes(block.code):
        kind = getattr(promptops.client, node.name)
        bases = [ast.unparse(base) for base in node.bases]
        if bases == ["Enum"]:
            check_enum(node, kind)
        elif node.name.endswith("Error"):
            check_error(node, kind)
        else:
            check_struct(node, kind)


def check_enum(node: ast.ClassDef, kind: type[enum.Enum]) -> None:
    assert issubclass(kind, enum.Enum)
    said = {
        ast.unparse(item.targets[0]): ast.literal_eval(item.value) for item in node.body if isinstance(item, ast.Assign)
    }
    # Ours may have more: the level "disk" is not in the reference.
    assert said.items() <= {member.name: member.value for member in kind}.items()


def check_error(node: ast.ClassDef, kind: type[PromptOpsError]) -> None:
    base = ast.unparse(node.bases[0])
    assert issubclass(kind, Exception if base == "Exception" else getattr(promptops.client, base))
    error = kind("it went wrong")
    for item in node.body:
        if isinstance(item, ast.AnnAssign):
            assert hasattr(error, ast.unparse(item.target)), f"{node.name}.{ast.unparse(item.target)}"
    assert isinstance(error.details, dict)
    assert isinstance(error.retryable, bool)
    assert (error.message, error.error_code.isupper()) == ("it went wrong", True)


def check_struct(node: ast.ClassDef, kind: type[Any]) -> None:
    for item in node.body:
        if isinstance(item, ast.AnnAssign):
            name = ast.unparse(item.target)
            said = ast.unparse(item.annotation).replace("List[", "list[").replace("Dict[", "dict[")
            assert str(kind.__annotations__[name]) in {said, said.replace("dict[str, Any]", "JsonObject")}, name
        elif isinstance(item, ast.FunctionDef):
            names = [argument.arg for argument in item.args.args]
            assert list(inspect.signature(getattr(kind, item.name)).parameters)[: len(names)] == names


# --- examples --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reference_server() -> Iterator[str]:
    """A server for the examples alone, with the prompts that they name."""
    with EmbeddedServer() as server:
        with SyncPromptOpsClient(base_url=server.url) as client:
            for prompt in PROMPTS:
                client.create_prompt(prompt)
        yield server.url


def exactly(**values: Any) -> Callable[[dict[str, Any]], None]:
    """A check of what an example leaves behind: attributes of its variables, ``prompt__version`` and the like."""

    def check(left: dict[str, Any]) -> None:
        for path, value in values.items():
            name, *attributes = path.split("__")
            found = left[name]
            for attribute in attributes:
                found = getattr(found, attribute)
            assert found == value, path

    return check


def config_was_updated(left: dict[str, Any]) -> None:
    config = left["client"].get_config()
    assert (config.timeout, config.cache.level, config.telemetry.enabled) == (60.0, CacheLevel.NONE, False)


def modules_were_filtered(left: dict[str, Any]) -> None:
    assert {prompt.slug for prompt in left["module_prompts"]} == {"customer-response"}
    assert len(left["prompts"]) >= len(PROMPTS)
    names = [prompt.name for prompt in left["sorted_prompts"]]
    assert names == sorted(names)


AFTERWARDS: dict[str, Callable[[dict[str, Any]], None]] = {
    "get_prompt": exactly(prompt__slug="dynamic-prompt"),
    "render_prompt": exactly(rendered__rendered_content="Dear John Doe, about billing (high)."),
    "list_prompts": modules_were_filtered,
    "create_prompt": exactly(
        prompt__slug="technical-support-response",
        prompt__variables=["customer_name", "issue_type", "severity"],
        prompt__target_models=["openai", "anthropic"],
    ),
    "get_model_compatibility": exactly(is_compatible=True),
    "update_config": config_was_updated,
    "health_check": exactly(health__status="healthy", health__errors=[]),
    "2. Handle Errors Gracefully": exactly(prompt__slug="my-prompt"),
    "3. Use Caching Wisely": exactly(dynamic_prompt__slug="dynamic-prompt", cache_config__ttl=300),
}


def blocking_form(code: str) -> str:
    return re.sub(r"\basync (with|def|for)\b", r"\1", re.sub(r"\bawait ", "", code))


def wrapped(code: str, *, blocking: bool) -> str:
    body = textwrap.dedent(PREAMBLE) + "\n" + code
    if blocking:
        body = blocking_form(body)
    header = "def example(client):" if blocking else "async def example(client):"
    return f"{header}\n{textwrap.indent(body, '    ')}\n    return locals()\n"


def forget_what_examples_create(url: str) -> None:
    with SyncPromptOpsClient(base_url=url) as client:
        if client.validate_prompt("technical-support-response"):
            client.delete_prompt("technical-support-response")


@pytest.mark.parametrize("block", of_kind("example"))
def test_every_example_runs_async(block: Block, reference_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTOPS_BASE_URL", reference_server)
    forget_what_examples_create(reference_server)
    names: dict[str, Any] = {**offered(), "asyncio": asyncio}
    exec(compile(wrapped(block.code, blocking=False), block.heading, "exec"), names)

    async def run() -> dict[str, Any]:
        async with PromptOpsClient() as client:
            left: dict[str, Any] = await names["example"](client)
            AFTERWARDS.get(block.subject, exactly())(left)
            return left

    left = asyncio.run(run())
    assert left["_Logger"].lines in ([], ["Consider adjusting cache strategy"])


@pytest.mark.parametrize("block", of_kind("example"))
def test_every_example_runs_blocking(block: Block, reference_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTOPS_BASE_URL", reference_server)
    forget_what_examples_create(reference_server)
    names: dict[str, Any] = {**offered(), "asyncio": SimpleNamespace(sleep=time.sleep)}
    names["PromptOpsClient"] = SyncPromptOpsClient
    exec(compile(wrapped(block.code, blocking=True), block.heading, "exec"), names)
    with SyncPromptOpsClient() as client:
        left = names["example"](client)
        AFTERWARDS.get(block.subject, exactly())(left)
    assert left["_Logger"].lines in ([], ["Consider adjusting cache strategy"])


def offered() -> dict[str, Any]:
    """What ``from promptops.client import *`` brings."""
    return {name: getattr(promptops.client, name) for name in promptops.client.__all__}


@pytest.mark.parametrize("method", FIELDS)
def test_every_result_has_the_fields_that_are_named_in_words(method: str, reference_server: str) -> None:
    with SyncPromptOpsClient(base_url=reference_server) as client:
        client.get_prompt("my-prompt")
        client.get_prompt("my-prompt")
        found = getattr(client, method)()
    missing = [name for name in FIELDS[method].split() if not hasattr(found, name)]
    assert not missing


def test_the_numbers_of_the_statistics_are_those_of_the_calls(reference_server: str) -> None:
    with SyncPromptOpsClient(base_url=reference_server) as client:
        fresh = client.get_stats()
        assert (fresh.total_requests, fresh.success_rate, fresh.last_request_time) == (0, 1.0, None)
        client.get_prompt("my-prompt")
        client.get_prompt("my-prompt")
        assert not client.validate_prompt("no-such-prompt")
        with pytest.raises(promptops.client.ValidationError):
            client.get_prompt("my-prompt", "no version")
        stats, cached = client.get_stats(), client.get_cache_stats()
    assert (stats.total_requests, stats.successful_requests, stats.failed_requests) == (2, 1, 1)
    assert (stats.success_rate, stats.cache_hits, stats.cache_misses) == (0.5, 1, 1)
    assert stats.avg_response_time_ms > 0
    assert isinstance(stats.last_request_time, datetime)
    assert stats.last_request_time.tzinfo is not None
    assert (cached["hits"], cached.size, cached.max_size, cached.memory_usage > 0) == (1, 1, 1000, True)
