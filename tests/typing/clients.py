"""What users see of the clients: both checkers read this file, nothing runs it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type

from promptops.cache import TierStats
from promptops.client import (
    ClientConfig,
    ClientStats,
    HealthStatus,
    ModelCompatibility,
    ModelInfo,
    ModelProvider,
    OffsetPage,
    PromptOpsClient,
    PromptOpsError,
    PromptRead,
    Prompts,
    PromptVariables,
    SyncPromptOpsClient,
)
from promptops.core.pagination import CursorPage
from promptops.experiments import Comparison, ExperimentResult, SyncExperiments
from promptops.models import (
    Dataset,
    DatasetExample,
    Experiment,
    ExperimentRun,
    ModelSettings,
    PromptEvent,
    PromptLabel,
    PromptResponse,
    RenderResponse,
    ResponseFormat,
    ToolDefinition,
)
from promptops.models.prompts import ModelSettingsLike, PromptLike, ToolLike
from promptops.prompts import NativePromptStore, PromptDiff, PromptStore, Rendered, RenderedPrompt, SyncPrompts
from promptops.prompts.formats import AnthropicArguments, OpenAIArguments
from promptops.prompts.render import render_prompt
from promptops.server import wire


async def prompts(client: PromptOpsClient) -> None:
    prompt = await client.prompts.get("greeting", version="1.2.0")
    assert_type(prompt, PromptResponse)
    assert_type(prompt.tags, list[str])
    assert_type(prompt.metadata, dict[str, Any])
    assert_type(prompt.template_format, str)
    assert_type(client.prompts.peek("greeting"), PromptResponse | None)
    assert_type(await client.prompts.render("greeting", {"name": "Ada"}), RenderedPrompt)
    assert_type(await client.prompts.create("Greeting", content="Hi"), PromptResponse)
    assert_type(await client.prompts.update("greeting", content="Hello"), PromptResponse)
    assert_type(client.prompts.iterate(), AsyncIterator[PromptResponse])


def prompts_blocking(client: SyncPromptOpsClient) -> None:
    assert_type(client.prompts, SyncPrompts)
    assert_type(client.prompts.get("greeting", version="1.2.0"), PromptResponse)
    assert_type(client.prompts.peek("greeting"), PromptResponse | None)
    assert_type(client.prompts.render("greeting", {"name": "Ada"}), RenderedPrompt)
    assert_type(client.prompts.create("Greeting", content="Hi"), PromptResponse)
    assert_type(client.prompts.iterate(), Iterator[PromptResponse])


def said(error: Exception) -> str:
    return str(error)


async def fallbacks(client: PromptOpsClient, blocking: SyncPromptOpsClient) -> None:
    assert_type(await client.prompts.get("greeting", fallback=None), PromptResponse | None)
    assert_type(await client.prompts.get("greeting", fallback=said), PromptResponse | str)
    assert_type(blocking.prompts.get("greeting", fallback=""), PromptResponse | str)
    assert_type(blocking.get_prompt("greeting", fallback=[1]), PromptResponse | list[int])
    assert_type(await client.prompts.read("greeting"), PromptRead[PromptResponse])
    assert_type(blocking.read_prompt("greeting", fallback=None), PromptRead[PromptResponse | None])
    assert_type(blocking.prompts.read("greeting").age, float | None)
    assert_type(await client.prompts.render("greeting", {"a": 1}, fallback="Hi {{ a }}"), RenderedPrompt)
    assert_type(blocking.render_prompt("greeting", {"a": 1}, fallback=None), RenderedPrompt | None)
    assert_type(blocking.cache_warm(["greeting"]), Prompts)
    assert_type(blocking.get_cache_stats().tiers, tuple[TierStats, ...])


async def chat(client: PromptOpsClient) -> None:
    prompt = await client.prompts.create(
        "Chat",
        messages=[{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        tools=[ToolDefinition(name="search"), {"name": "find"}],
        tool_choice={"type": "auto"},
        response_format=ResponseFormat(type="text"),
        model_settings={"model": "m"},
        variables_schema={"type": "object"},
        template_format="jinja2",
    )
    assert_type(prompt.tools, list[ToolDefinition])
    assert_type(prompt.model_settings, ModelSettings | None)
    rendered = await client.prompts.render("chat", label="production", strict=True)
    assert_type(rendered.to("openai"), OpenAIArguments)
    assert_type(rendered.variables_unused, list[str])
    published: RenderResponse = rendered
    assert_type(published.tools, list[ToolDefinition])
    await client.prompts.create("Chat", tools=["search"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    rendered.to("mistral")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]


async def labels(client: PromptOpsClient) -> None:
    assert_type(await client.prompts.get("greeting", label="production"), PromptResponse)
    assert_type(await client.prompts.get_many(["greeting"], labels={"greeting": "production"}), Prompts)
    assert_type(await client.prompts.labels("greeting"), list[PromptLabel])
    assert_type(await client.prompts.set_label("greeting", "a", version="1.0.0", expected_version=None), PromptLabel)
    assert_type(await client.prompts.remove_label("greeting", "a"), bool)
    assert_type(await client.prompts.history("greeting", limit=1), OffsetPage[PromptEvent])
    assert_type(client.prompts.iterate_history("greeting"), AsyncIterator[PromptEvent])
    assert_type(await client.prompts.diff("greeting", "1.0.0", "1.1.0"), PromptDiff)
    assert_type(await client.set_label("greeting", "a", "1.0.0"), PromptLabel)
    assert_type(await client.get_prompt_history("greeting"), OffsetPage[PromptEvent])


def labels_blocking(client: SyncPromptOpsClient) -> None:
    assert_type(client.prompts.get("greeting", label="production"), PromptResponse)
    assert_type(client.prompts.labels("greeting"), list[PromptLabel])
    assert_type(client.prompts.history("greeting"), OffsetPage[PromptEvent])
    assert_type(client.prompts.iterate_history("greeting"), Iterator[PromptEvent])
    assert_type(client.diff_prompt("greeting", "1.0.0"), PromptDiff)
    client.prompts.set_label("greeting", "a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.prompts.delete("greeting", force=True)


def rendering(mine: PromptResponse, theirs: wire.PromptResponse, store: NativePromptStore) -> None:
    # The models of the client and of the server are both prompts to the shared engine.
    for prompt in (mine, theirs):
        either: PromptLike = prompt
        assert_type(render_prompt(either, strict=True), Rendered)
    rendered = render_prompt(mine)
    assert_type(rendered.model_settings, ModelSettingsLike | None)
    tools: list[ToolLike] = list(rendered.tools)
    assert_type(rendered.to("anthropic", model="m"), AnthropicArguments)
    port: PromptStore = store
    del tools, port


async def flat(client: PromptOpsClient) -> None:
    assert_type(await client.get_prompt("greeting", "v1.2", False), PromptResponse)
    assert_type(await client.render_prompt("greeting", PromptVariables({"a": 1})), RenderedPrompt)
    assert_type(await client.list_prompts(sort_by="name"), list[PromptResponse])
    assert_type(await client.list_prompts_page(), OffsetPage[PromptResponse])
    assert_type(client.iterate_prompts(), AsyncIterator[PromptResponse])
    assert_type(await client.get_prompts(["a"]), Prompts)
    assert_type(await client.delete_prompt("greeting"), bool)
    assert_type(await client.list_models(ModelProvider.OPENAI), list[ModelInfo])
    assert_type(await client.check_compatibility("a", "openai", "gpt-4"), ModelCompatibility)
    assert_type(client.get_stats(), ClientStats)
    assert_type(await client.health_check(), HealthStatus)
    client.update_config({"timeout": 5.0})
    client.update_config(ClientConfig(timeout=5.0))


def flat_blocking(client: SyncPromptOpsClient) -> None:
    assert_type(client.get_prompt("greeting", "v1.2", False), PromptResponse)
    assert_type(client.render_prompt("greeting", {"a": 1}), RenderedPrompt)
    assert_type(client.list_prompts(sort_by="name"), list[PromptResponse])
    assert_type(client.iterate_prompts(), Iterator[PromptResponse])
    assert_type(client.get_prompts(["a"]).errors, dict[str, PromptOpsError])
    assert_type(client.get_model_compatibility("a", "openai", "gpt-4"), bool)
    assert_type(client.health_check(), HealthStatus)
    client.get_prompt()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    client.list_prompts(sort_by="colour")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def bridges_keep_their_signatures(client: SyncPromptOpsClient) -> None:
    # Each call is wrong on purpose; an ignore that is not needed fails the check.
    client.prompts.render()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    client.prompts.create("a", contents="b")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.datasets.get(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.experiments.runs("a", "b")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def datasets(client: PromptOpsClient) -> None:
    assert_type(await client.datasets.create("sums", [{"a": 1}]), Dataset)
    assert_type(await client.datasets.list_page(), CursorPage[Dataset])
    assert_type(await client.datasets.examples("sums"), list[DatasetExample])
    assert_type(await client.datasets.insert("sums", [{"a": 1}]), list[str])
    async for example in client.datasets.iterate_examples("sums"):
        assert_type(example, DatasetExample)


def datasets_blocking(client: SyncPromptOpsClient) -> None:
    assert_type(client.datasets.create("sums", [{"a": 1}]), Dataset)
    assert_type(client.datasets.list(), list[Dataset])
    assert_type(client.datasets.iterate(), Iterator[Dataset])
    assert_type(client.datasets.list_page(), CursorPage[Dataset])


async def experiments(client: PromptOpsClient) -> None:
    assert_type(await client.experiments.run("first", dataset="sums", task=len), ExperimentResult)
    assert_type(await client.experiments.get("first"), Experiment)
    assert_type(await client.experiments.runs("first"), list[ExperimentRun])
    assert_type(await client.experiments.compare("first", "second"), Comparison)


def experiments_blocking(client: SyncPromptOpsClient) -> None:
    assert_type(client.experiments, SyncExperiments)
    assert_type(client.experiments.run("first", dataset="sums", task=len), ExperimentResult)
    assert_type(client.experiments.get("first"), Experiment)
    assert_type(client.experiments.iterate_runs("first"), Iterator[ExperimentRun])
    assert_type(client.experiments.compare("first", "second"), Comparison)


async def lifecycle() -> None:
    async with PromptOpsClient(ClientConfig(api_key="k")) as client:
        assert_type(client, PromptOpsClient)
        await client.initialize()
        await client.shutdown()
    with SyncPromptOpsClient("key", base_url="http://127.0.0.1:8765") as blocking:
        assert_type(blocking, SyncPromptOpsClient)
