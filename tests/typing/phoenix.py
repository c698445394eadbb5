"""What users see of the clients of a Phoenix server: both checkers read this file, nothing runs it."""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, assert_type

from promptops.core.pagination import CursorPage
from promptops.experiments import Comparison, ExperimentResult
from promptops.experiments.datasets import DatasetChanges
from promptops.experiments.journal import UnitKey
from promptops.experiments.stores import DatasetStore, ExperimentStore, Stores
from promptops.models import Experiment, ExperimentRun, PromptCreate, PromptLabel, PromptResponse, PromptUpdate
from promptops.phoenix import PhoenixClient, PhoenixHealth, SyncPhoenixClient
from promptops.phoenix.conversion import Converted, PromptFields, from_phoenix, to_phoenix
from promptops.phoenix.datasets import (
    DatasetLabel,
    DatasetSplit,
    PhoenixDataset,
    PhoenixDatasetVersion,
    PhoenixExample,
    PhoenixReplacePlan,
    SyncPhoenixDatasets,
)
from promptops.phoenix.experiments import (
    AsyncPhoenixExperiments,
    ExperimentTag,
    PhoenixExperimentStore,
    SyncPhoenixExperiments,
)
from promptops.phoenix.experiments import Experiment as ExperimentRecord
from promptops.phoenix.prompts import (
    AsyncPhoenixPrompts,
    Prompt,
    PromptVersion,
    PromptVersionData,
    PromptVersionTag,
    SyncPhoenixPrompts,
)
from promptops.phoenix.tracing import (
    Annotation,
    AnnotationConfig,
    LoggedSpans,
    NewAnnotation,
    NewSpan,
    Project,
    SessionData,
    SessionTurn,
    Span,
    SpanQuery,
    SpanRows,
    TraceData,
)
from promptops.prompts import PromptRead, Prompts, PromptStore, RenderedPrompt
from promptops.prompts.formats import Loss, OpenAIArguments


def said(error: Exception) -> str:
    return str(error)


async def prompts(client: PhoenixClient) -> None:
    assert_type(client.prompts, AsyncPhoenixPrompts)
    assert_type(await client.prompts.get("greeting"), PromptResponse)
    assert_type(await client.prompts.get("greeting", label="production"), PromptResponse)
    assert_type(await client.prompts.get("greeting", fallback=None), PromptResponse | None)
    assert_type(await client.prompts.get("greeting", fallback=said), PromptResponse | str)
    assert_type(await client.prompts.read("greeting", fallback=[1]), PromptRead[PromptResponse | list[int]])
    assert_type(await client.prompts.render("greeting", {"name": "Ada"}), RenderedPrompt)
    assert_type(await client.prompts.render("greeting", fallback=None), RenderedPrompt | None)
    assert_type((await client.prompts.render("greeting")).to("openai"), OpenAIArguments)
    assert_type(await client.prompts.get_many(["greeting"]), Prompts)
    assert_type(await client.prompts.set_label("greeting", "production", version="7.0.0"), PromptLabel)
    assert_type(client.prompts.iterate(), AsyncIterator[PromptResponse])
    assert_type(client.prompts.peek("greeting"), PromptResponse | None)


async def prompts_of_phoenix(client: PhoenixClient, mine: PromptCreate, theirs: PromptVersionData) -> None:
    made = await client.prompts.create_prompt(name="a", version=mine, tags=["production"])
    assert_type(made, PromptVersion)
    assert_type(made.id, str)
    assert_type(await client.prompts.create_version(name="a", version=theirs, allow_loss=True), PromptVersion)
    foreseen = await client.prompts.preview(version=mine)
    assert_type(foreseen, Converted[PromptVersionData])
    assert_type(foreseen.losses, tuple[Loss, ...])
    assert_type(await client.prompts.preview(name="a", version=PromptUpdate(content="x")), Converted[PromptVersionData])
    assert_type(await client.prompts.create_version(name="b", version=made), PromptVersion)
    assert_type(await client.prompts.list_prompts(), list[Prompt])
    assert_type(await client.prompts.list_versions(name="a"), list[PromptVersion])
    assert_type(await client.prompts.get_version(version_id=made.id), PromptVersion)
    assert_type(await client.prompts.update_prompt(name="a", description=None), Prompt)
    assert_type(await client.prompts.tags(version_id=made.id), list[PromptVersionTag])
    await client.prompts.create_prompt("a", version=mine)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def prompts_blocking(client: SyncPhoenixClient, mine: PromptCreate) -> None:
    assert_type(client.prompts, SyncPhoenixPrompts)
    assert_type(client.prompts.get("greeting", label="production"), PromptResponse)
    assert_type(client.prompts.get("greeting", fallback=None), PromptResponse | None)
    assert_type(client.prompts.get("greeting", fallback=said), PromptResponse | str)
    assert_type(client.prompts.read("greeting"), PromptRead[PromptResponse])
    assert_type(client.prompts.render("greeting", fallback="Hi"), RenderedPrompt)
    assert_type(client.prompts.iterate(), Iterator[PromptResponse])
    assert_type(client.prompts.create_prompt(name="a", version=mine), PromptVersion)
    assert_type(client.prompts.list_versions(name="a"), list[PromptVersion])
    client.prompts.get("greeting", tag="production")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    client.prompts.create_version(name="a", version="b")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def conversion(mine: PromptResponse, theirs: PromptVersion) -> None:
    sent = to_phoenix(mine)
    assert_type(sent, Converted[PromptVersionData])
    assert_type(sent.losses, tuple[Loss, ...])
    read = from_phoenix(theirs)
    assert_type(read, Converted[PromptFields])
    assert_type(read.value.fields(), dict[str, Any])
    assert_type(to_phoenix(read.value).value, PromptVersionData)


async def datasets(client: PhoenixClient) -> None:
    made = await client.datasets.create("sums", [{"a": 1}], id_column="key")
    assert_type(made, PhoenixDataset)
    assert_type(made.versions, tuple[PhoenixDatasetVersion, ...])
    assert_type(await client.datasets.create_rows(name="sums", inputs=[{"a": 1}]), PhoenixDataset)
    assert_type(await client.datasets.append("sums", [{"a": 1}]), DatasetChanges)
    assert_type(await client.datasets.upsert("sums", [{"a": 1}]), DatasetChanges)
    plan = await client.datasets.plan_replace("sums", [{"a": 1}])
    assert_type(plan, PhoenixReplacePlan)
    assert_type(await client.datasets.replace("sums", confirm=plan), DatasetChanges)
    examples = await client.datasets.examples("sums", split=["train", "test"])
    assert_type(examples, list[PhoenixExample])
    assert_type(examples[0].input, Mapping[str, Any])
    assert_type(examples[0].span_id, str | None)
    assert_type(client.datasets.iterate_examples("sums"), AsyncIterator[PhoenixExample])
    assert_type(await client.datasets.list_page(limit=10), CursorPage[PhoenixDataset])
    assert_type(await client.datasets.versions(dataset="sums"), list[PhoenixDatasetVersion])
    assert_type(await client.datasets.download(dataset="sums", format="csv"), str)
    await client.datasets.download(dataset="sums", format="xml")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def datasets_blocking(client: SyncPhoenixClient) -> None:
    assert_type(client.datasets, SyncPhoenixDatasets)
    assert_type(client.datasets.get("sums"), PhoenixDataset)
    assert_type(client.datasets.list(), list[PhoenixDataset])
    assert_type(client.datasets.iterate(), Iterator[PhoenixDataset])
    assert_type(client.datasets.insert("sums", [{"a": 1}]), list[str])
    assert_type(client.datasets.export("sums", "sums.jsonl"), int)
    assert_type(client.datasets.splits("sums"), dict[str | None, int])
    assert_type(client.datasets.create_split(dataset="sums", name="hard"), DatasetSplit)
    assert_type(client.datasets.add_label(dataset="sums", label="maths"), DatasetLabel)
    client.datasets.versions("sums")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def experiments(client: PhoenixClient) -> None:
    now = datetime.now(UTC)
    assert_type(await client.experiments.run("first", dataset="sums", task=len, concurrency=20), ExperimentResult)
    assert_type(await client.experiments.resume("first", task=len), ExperimentResult)
    assert_type(await client.experiments.rescore("first", [str.isdigit]), ExperimentResult)
    assert_type(await client.experiments.compare("first", "second"), Comparison)
    assert_type(client.experiments, AsyncPhoenixExperiments)
    assert_type(await client.experiments.get("first"), Experiment)
    assert_type(await client.experiments.record(experiment="first"), ExperimentRecord)
    assert_type(await client.experiments.runs("first"), list[ExperimentRun])
    empty = await client.experiments.create_empty(name="third", dataset="sums", repetitions=2)
    assert_type(empty.missing_run_count, int)
    run_id = await client.experiments.log_run(
        experiment=empty.id, example_id="e", output={"a": 1}, start_time=now, end_time=now
    )
    assert_type(run_id, str)
    assert_type(await client.experiments.log_evaluation(run_id=run_id, name="correct", score=1.0), str)
    assert_type(client.experiments.incomplete_runs(experiment="third"), AsyncIterator[UnitKey])
    assert_type(await client.experiments.export_json(experiment="third"), list[dict[str, Any]])
    assert_type(await client.experiments.url(experiment="third"), str)
    await client.experiments.run("first", dataset="sums", task=len, workers=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def experiments_blocking(client: SyncPhoenixClient) -> None:
    assert_type(client.experiments.run("first", dataset="sums", task=len), ExperimentResult)
    assert_type(client.experiments.retry_failed("first", task=len), ExperimentResult)
    assert_type(client.experiments.list(dataset="sums"), list[Experiment])
    assert_type(client.experiments.iterate_runs("first"), Iterator[ExperimentRun])
    assert_type(client.experiments.record(experiment="first").project_name, str | None)
    assert_type(client.experiments, SyncPhoenixExperiments)
    assert_type(client.experiments.tags(experiment="first"), list[ExperimentTag])
    assert_type(
        client.experiments.incomplete_evaluations(experiment="first", evaluators=["correct"]),
        Iterator[tuple[UnitKey, tuple[str, ...]]],
    )


async def tracing(client: PhoenixClient) -> None:
    assert_type(await client.projects.get(project="default"), Project)
    logged = await client.spans.log(project="default", spans=[NewSpan(name="step", kind="LLM")], wait=5.0)
    assert_type(logged, LoggedSpans)
    assert_type(logged.skipped, tuple[str, ...])
    assert_type(client.spans.iterate(project="default", span_kind=["LLM", "TOOL"]), AsyncIterator[Span])
    assert_type(await client.spans.list_page(project="default", roots_only=True), CursorPage[Span])
    query = SpanQuery().where("latency_ms > 5").select("name", asked="input.value")
    assert_type(query.explode("retrieval.documents", text="document.content"), SpanQuery)
    rows = await client.spans.query(project="default", query=query, start_time=datetime.now(UTC), roots_only=True)
    assert_type(rows, SpanRows)
    assert_type(rows[0], dict[str, Any])
    assert_type(rows.index_columns, tuple[str, ...])
    assert_type(await client.spans.retrieved_documents(project="default", limit=5), SpanRows)
    assert_type(await client.traces.list(project="default", error=True), list[TraceData])
    assert_type(await client.sessions.get(session_id="s"), SessionData)
    assert_type(await client.sessions.turns(session_id="s"), list[SessionTurn])
    assert_type(await client.annotations.add(name="good", span_id="0a", score=1.0), str | None)
    assert_type(await client.annotations.list(project="default", span_ids=["0a"]), list[Annotation])
    assert_type(await client.annotations.configs.list(), list[AnnotationConfig])
    NewSpan(name="step", kind="MODEL")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await client.spans.query("default")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.spans.list(project="default", kind="LLM")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def tracing_blocking(client: SyncPhoenixClient, span: Span) -> None:
    assert_type(client.projects.list(name_contains="d"), list[Project])
    assert_type(client.spans.get(project="default", span_id="0a"), Span)
    assert_type(client.spans.log(project="default", spans=[span, NewSpan(name="step")]).queued, int)
    assert_type(client.spans.add_note(span_id="0a", note="look"), str)
    assert_type(client.spans.query(project="default"), SpanRows)
    assert_type(client.spans.questions_with_context(project="default"), SpanRows)
    assert_type(client.traces.iterate(project="default", sort="latency_ms"), Iterator[TraceData])
    assert_type(client.sessions.list(project="default"), list[SessionData])
    assert_type(client.annotations.add_many(annotations=[NewAnnotation(name="good", span_id="0a")]), list[str])
    assert_type(client.annotations.iterate(project="default", trace_ids=["0a"]), Iterator[Annotation])
    assert_type(client.annotations.configs.get(config="good"), AnnotationConfig)
    client.annotations.add("good", span_id="0a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def ports(client: SyncPhoenixClient) -> None:
    prompt_port: PromptStore = client.stores.prompts
    dataset_port: DatasetStore = client.stores.datasets
    experiment_port: ExperimentStore = client.stores.experiments
    assert_type(client.stores.experiments, PhoenixExperimentStore)
    assert_type(Stores(datasets=dataset_port, experiments=experiment_port), Stores)
    del prompt_port


async def lifecycle() -> None:
    async with PhoenixClient(base_url="http://127.0.0.1:6006", headers={"x-team": "a"}) as client:
        assert_type(client, PhoenixClient)
        assert_type(await client.health(), PhoenixHealth)
        assert_type(client.server_version, str | None)
    with SyncPhoenixClient(api_key=lambda: "key") as blocking:
        assert_type(blocking, SyncPhoenixClient)
        assert_type(blocking.health().ready, bool)
    SyncPhoenixClient("http://127.0.0.1:6006")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
