"""A query of spans gives the rows that the official client gives for it, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from promptops.phoenix import PhoenixClient, SyncPhoenixClient
from promptops.phoenix.tracing import NewSpan, SpanEvent, SpanQuery, SpanRows, span_rows_to_dataframe

if TYPE_CHECKING:
    from tools.phoenix.official import OfficialClient

pytestmark = pytest.mark.anyio
START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
DOCUMENTS = "retrieval.documents"

FRAME = """
import json
from datetime import datetime
from phoenix.client.types.spans import SpanQuery

def run(client, payload):
    query = SpanQuery()
    for name, args, kwargs in payload["calls"]:
        query = getattr(query, name)(*args, **kwargs)
    settings = payload["settings"]
    for name in ("start_time", "end_time"):
        if name in settings:
            settings[name] = datetime.fromisoformat(settings[name])
    frame = client.spans.get_spans_dataframe(query=query, project_identifier=payload["project"], **settings)
    frame = frame.reset_index(drop=frame.index.name in frame.columns)
    return json.loads(frame.to_json(orient="records", date_format="iso", date_unit="us", double_precision=15))
"""
HELPER = """
import json
from phoenix.client.helpers import spans

def run(client, payload):
    frame = getattr(spans, payload["helper"])(client, project_identifier=payload["project"])
    return json.loads(frame.reset_index().to_json(orient="records", double_precision=15))
"""
INDEX = """
from phoenix.client.types.spans import SpanQuery

def run(client, project):
    query = SpanQuery().select("name", "start_time", "latency_ms")
    query = query.explode("retrieval.documents", text="document.content")
    frame = client.spans.get_spans_dataframe(query=query, project_identifier=project)
    kinds = {name: str(kind)[:8] for name, kind in frame.dtypes.items()}
    return [list(frame.index.names), sorted(frame.columns), kinds["start_time"], kinds["latency_ms"]]
"""

Calls = list[tuple[str, list[str], dict[str, str]]]


@pytest.fixture(scope="module")
def project(phoenix_url: str) -> Iterator[str]:
    """A project with two answered questions, what was retrieved for one of them, a failure and an orphan."""
    asked = NewSpan(
        name="answer",
        kind="CHAIN",
        start_time=START,
        end_time=START + timedelta(seconds=2, microseconds=7),
        status_code="OK",
        input="what?",
        output="that",
        session_id="talk",
        attributes={"metadata": '{"tier": 1}', "share": 0.5, "count": 3},
        events=[SpanEvent(name="looked", timestamp=START, attributes={"page": 1})],
    )
    documents = [
        {"document": {"id": "d0", "content": "zero é", "score": 0.75, "metadata": {"page": 1}}},
        {"document": {"id": "d1", "content": "one\r\n--two", "score": 0.5}},
        {"document": {"id": "d2", "score": 0.25}},
    ]
    spans = [
        asked,
        NewSpan(
            name="retrieve",
            kind="RETRIEVER",
            trace_id=asked.trace_id,
            parent_id=asked.span_id,
            start_time=START + timedelta(milliseconds=100),
            end_time=START + timedelta(milliseconds=350),
            input="what?",
            attributes={DOCUMENTS: documents},
        ),
        NewSpan(
            name="call",
            kind="LLM",
            trace_id=asked.trace_id,
            parent_id=asked.span_id,
            start_time=START + timedelta(seconds=1),
            status_code="ERROR",
            status_message="too slow",
            attributes={"llm": {"model_name": "m", "token_count": {"prompt": 12}}, "tags": ["a", "b"]},
        ),
        NewSpan(name="answer", kind="CHAIN", start_time=START + timedelta(hours=1), input="why?", output="so"),
        NewSpan(name="retrieve", kind="RETRIEVER", start_time=START + timedelta(hours=2), parent_id="00f067aa0ba902b7"),
    ]
    with SyncPhoenixClient(base_url=phoenix_url) as client:
        name = f"query {asked.trace_id[:12]}"
        client.spans.log(project=name, spans=spans, wait=60)
        yield name


def plain(rows: SpanRows) -> list[dict[str, Any]]:
    """Rows as the JSON of the official client's data frames has them."""

    def cell(value: Any) -> Any:
        return f"{value:%Y-%m-%dT%H:%M:%S.%f}Z" if isinstance(value, datetime) else value

    return in_order([{name: cell(value) for name, value in row.items()} for row in rows])


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: msgspec.json.encode(row, order="sorted"))


def same(calls: Calls) -> SpanQuery:
    query = SpanQuery()
    for name, args, named in calls:
        query = getattr(query, name)(*args, **named)
    return query


QUERIES: dict[str, tuple[Calls, int]] = {
    "everything": ([], 5),
    "where": ([("where", ["span_kind == 'LLM' or latency_ms > 200"], {})], 3),
    "where annotated text": ([("where", ["'WHA' in input.value and status_code == 'OK'"], {})], 1),
    "select": ([("select", ["name", "span_id", "trace_id", "start_time", "latency_ms", "count", "tags"], {})], 5),
    "select and rename": (
        [("select", ["name", "input.value"], {}), ("rename", [], {"input.value": "input", "name": "step"})],
        5,
    ),
    "explode": (
        [
            ("select", ["input.value"], {}),
            ("explode", [DOCUMENTS], {"text": "document.content", "score": "document.score", "m": "document.metadata"}),
        ],
        3,
    ),
    "explode everything": ([("explode", [DOCUMENTS], {})], 3),
    "explode with another index": (
        [("with_index", ["trace_id"], {}), ("explode", [DOCUMENTS], {"text": "document.content"})],
        3,
    ),
    "concat": ([("select", ["name"], {}), ("concat", [DOCUMENTS], {"context": "document.content"})], 1),
    "concat texts": ([("concat", ["tags"], {})], 1),
    "concat with another index": (
        [("concat", [DOCUMENTS], {"context": "document.content"}), ("with_index", ["trace_id"], {})],
        1,
    ),
    "explode and concat": (
        [("explode", [DOCUMENTS], {"id": "document.id"}), ("concat", [DOCUMENTS], {"context": "document.content"})],
        3,
    ),
    "another index": ([("select", ["input.value", "latency_ms"], {}), ("with_index", ["name"], {})], 5),
    "roots": ([("select", ["name"], {}), ("where", ["parent_id is None"], {})], 2),
    "nothing found": ([("select", ["name"], {}), ("where", ["name == 'none'"], {})], 0),
}


@pytest.mark.parametrize("name", QUERIES)
async def test_the_same_query_gives_the_same_rows(
    phoenix: PhoenixClient, official: OfficialClient, project: str, name: str
) -> None:
    calls, number = QUERIES[name]

    theirs = official(FRAME, {"project": project, "calls": calls, "settings": {}})

    ours = await phoenix.spans.query(project=project, query=same(calls))
    assert plain(ours) == in_order(theirs)
    assert len(ours) == number


async def test_a_label_of_our_own_is_what_they_rename_to(
    phoenix: PhoenixClient, official: OfficialClient, project: str
) -> None:
    calls: Calls = [("select", ["llm.token_count.prompt"], {}), ("rename", [], {"llm.token_count.prompt": "tokens"})]

    theirs = official(FRAME, {"project": project, "calls": calls, "settings": {}})

    query = SpanQuery().select(tokens="llm.token_count.prompt")
    assert plain(await phoenix.spans.query(project=project, query=query)) == in_order(theirs)
    assert {row["tokens"] for row in theirs} == {None, 12}


@pytest.mark.parametrize(
    ("settings", "same_here", "number"),
    [
        ({"start_time": START + timedelta(seconds=1)}, {"start_time": START + timedelta(seconds=1)}, 3),
        ({"end_time": START + timedelta(seconds=1)}, {"end_time": START + timedelta(seconds=1)}, 2),
        (
            {"start_time": START, "end_time": START + timedelta(hours=1)},
            {"start_time": START, "end_time": START + timedelta(hours=1)},
            3,
        ),
        ({"limit": 2}, {"limit": 2}, 2),
        ({"root_spans_only": True}, {"query": SpanQuery().where("parent_span is None")}, 3),
    ],
)
async def test_a_window_a_limit_and_roots_are_the_same(
    phoenix: PhoenixClient,
    official: OfficialClient,
    project: str,
    settings: dict[str, Any],
    same_here: dict[str, Any],
    number: int,
) -> None:
    sent = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in settings.items()}

    theirs = official(FRAME, {"project": project, "calls": [], "settings": sent})

    ours = await phoenix.spans.query(project=project, **same_here)
    assert plain(ours) == in_order(theirs)
    assert len(ours) == number


async def test_roots_only_is_what_a_condition_says_there(
    phoenix: PhoenixClient, official: OfficialClient, project: str
) -> None:
    calls: Calls = [("where", ["parent_id is None"], {})]
    theirs = official(FRAME, {"project": project, "calls": calls, "settings": {}})
    assert plain(await phoenix.spans.query(project=project, roots_only=True)) == in_order(theirs)


async def test_documents_and_questions_are_those_of_their_helpers(
    phoenix: PhoenixClient, official: OfficialClient, project: str
) -> None:
    documents = official(HELPER, {"project": project, "helper": "get_retrieved_documents"})
    assert plain(await phoenix.spans.retrieved_documents(project=project)) == in_order(documents)
    assert len(documents) == 3

    questions = official(HELPER, {"project": project, "helper": "get_input_output_context"})
    assert plain(await phoenix.spans.questions_with_context(project=project)) == in_order(questions)
    assert [(one["input"], one["context"]) for one in questions] == [("what?", "zero é\n\none\r\n--two")]


async def test_a_data_frame_has_their_index_columns_and_kinds(
    phoenix: PhoenixClient, official: OfficialClient, project: str
) -> None:
    query = SpanQuery().select("name", "start_time", "latency_ms").explode(DOCUMENTS, text="document.content")

    frame = span_rows_to_dataframe(await phoenix.spans.query(project=project, query=query))

    kinds = {name: str(kind)[:8] for name, kind in frame.dtypes.items()}
    found = [list(frame.index.names), sorted(frame.columns), kinds["start_time"], kinds["latency_ms"]]
    assert found == official(INDEX, project)
