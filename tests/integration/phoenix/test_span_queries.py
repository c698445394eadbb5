"""Queries of spans on a real server: what is found, and what the server says of wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from promptops.core.errors import NotFoundError, ServerError, ValidationError
from promptops.phoenix import PhoenixClient, SyncPhoenixClient
from promptops.phoenix.tracing import RETRIEVED_DOCUMENTS, NewSpan, SpanQuery, span_rows_to_dataframe

pytestmark = pytest.mark.anyio
QUERY = SpanQuery()
Unique = Callable[..., str]
START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
DOCUMENTS = "retrieval.documents"


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """Spans that are there for every test of this module.

    Attributes:
        project: The name of their project.
        project_id: Its id.
        asked: The root of a trace.
        first: Its child, which retrieved two documents.
        second: Its other child, which retrieved one, a second later.
        orphan: A span whose parent is not there.
    """

    project: str
    project_id: str
    asked: NewSpan
    first: NewSpan
    second: NewSpan
    orphan: NewSpan

    def names(self, rows: list[dict[str, Any]]) -> set[str]:
        """Which of the spans rows are of."""
        ids = {getattr(self, name).span_id: name for name in ("asked", "first", "second", "orphan")}
        return {ids[row["context.span_id"]] for row in rows}


def retrieved(*texts: str) -> dict[str, Any]:
    return {DOCUMENTS: [{"document": {"content": text, "score": 1 / 4}} for text in texts]}


@pytest.fixture(scope="module")
def logged(phoenix_url: str) -> Iterator[Logged]:
    asked = NewSpan(
        name="answer",
        kind="CHAIN",
        start_time=START,
        end_time=START + timedelta(seconds=3),
        input="what?",
        output="that",
        attributes={"f": "one letter", "class": 1, "two words": "spaces", "ü": 0.125, "tags": ["x", "y"]},
    )
    within: dict[str, Any] = {"trace_id": asked.trace_id, "parent_id": asked.span_id}
    first = NewSpan(
        name="look", kind="RETRIEVER", start_time=START, attributes=retrieved("d0\r\n\r\n--", "d1 ü\u2028"), **within
    )
    later = START + timedelta(seconds=1)
    second = NewSpan(name="look again", kind="RETRIEVER", start_time=later, attributes=retrieved("d2"), **within)
    hour = START + timedelta(hours=1)
    orphan = NewSpan(name="lost", kind="LLM", parent_id="00f067aa0ba902b7", start_time=hour, status_code="ERROR")
    with SyncPhoenixClient(base_url=phoenix_url) as client:
        name = f"queried & found {asked.trace_id[:12]}"
        client.spans.log(project=name, spans=[asked, first, second, orphan], wait=60)
        client.annotations.add(name="quality", span_id=asked.span_id, score=0.25, label="poor")
        project_id = client.projects.get(project=name).id
        yield Logged(project=name, project_id=project_id, asked=asked, first=first, second=second, orphan=orphan)


async def test_without_a_query_everything_of_every_span_comes_newest_first(
    phoenix: PhoenixClient, logged: Logged
) -> None:
    rows = await phoenix.spans.query(project=logged.project)

    assert rows[0]["context.span_id"] == logged.orphan.span_id
    assert logged.names(rows) == {"asked", "first", "second", "orphan"}
    asked = next(row for row in rows if row["name"] == "answer")
    assert (asked["start_time"], asked["end_time"]) == (START, START + timedelta(seconds=3))
    assert (asked["attributes.input.value"], asked["attributes.class"], asked["attributes.ü"]) == ("what?", 1, 0.125)
    assert asked["attributes.tags"] == ["x", "y"]
    assert all(list(row) == list(rows.columns) for row in rows)
    by_id = await phoenix.spans.query(project=logged.project_id)
    assert by_id == rows


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("span_kind == 'RETRIEVER'", {"first", "second"}),
        ("span_kind == 'LLM' or name == 'answer'", {"asked", "orphan"}),
        ("latency_ms > 1000", {"asked"}),
        ("status_code == 'ERROR'", {"orphan"}),
        ("'LOOK' in name and start_time > '2026-01-01T12:00:00.5+00:00'", {"second"}),
        ("annotations['quality'].score < 0.5", {"asked"}),
        ("annotations['quality'].label == 'good'", set[str]()),
        ("parent_id is None", {"asked"}),
        ("parent_span is None", {"asked", "orphan"}),
        ("input.value is not None", {"asked"}),
        ("no_such.attribute == 'x'", set[str]()),
    ],
)
async def test_a_condition_finds_what_fits(
    phoenix: PhoenixClient, logged: Logged, condition: str, expected: set[str]
) -> None:
    query = QUERY.where(condition)
    assert logged.names(await phoenix.spans.query(project=logged.project, query=query)) == expected
    assert logged.names(await phoenix.spans.query(project=logged.project, query=query.select("name"))) == expected


async def test_conditions_roots_and_the_window_have_to_fit_together(phoenix: PhoenixClient, logged: Logged) -> None:
    async def found(*conditions: str, **settings: Any) -> set[str]:
        query = QUERY.select("name")
        for condition in conditions:
            query = query.where(condition)
        return logged.names(await phoenix.spans.query(project=logged.project, query=query, **settings))

    assert await found("name == 'look' or name == 'answer' # either", "span_kind == 'RETRIEVER'") == {"first"}
    assert await found(roots_only=True) == {"asked"}
    assert await found("name == 'lost' or name == 'answer'", roots_only=True) == {"asked"}
    assert await found(start_time=START + timedelta(seconds=1)) == {"second", "orphan"}
    assert await found(end_time=START + timedelta(seconds=1)) == {"asked", "first"}
    assert await found(start_time=START + timedelta(seconds=1), end_time=START + timedelta(hours=1)) == {"second"}
    assert len(await phoenix.spans.query(project=logged.project, query=QUERY.select("name"), limit=3)) == 3


async def test_names_that_the_server_itself_fails_on_can_be_selected(phoenix: PhoenixClient, logged: Logged) -> None:
    query = QUERY.where("name == 'answer'").select(
        "f", "class", "two words", "ü", "tags[1]", "attributes.input.value", when="start_time"
    )

    (row,) = await phoenix.spans.query(project=logged.project, query=query)

    assert row == {
        "context.span_id": logged.asked.span_id,
        "f": "one letter",
        "class": 1,
        "two words": "spaces",
        "ü": 0.125,
        "tags[1]": "y",
        "attributes.input.value": "what?",
        "when": START,
    }


async def test_labels_may_be_anything_and_any_length(phoenix: PhoenixClient, logged: Logged) -> None:
    long, odd = "x" * 200, 'a "quoted" label; --'
    query = QUERY.where("name == 'look'").explode(DOCUMENTS, **{long: "document.content", odd: "document.none"})

    rows = await phoenix.spans.query(project=logged.project, query=query.select(span_id="name"))

    expected = [
        ["context.span_id", "document_position", "span_id", long, odd],
        [logged.first.span_id, 0, "look", "d0\r\n\r\n--", None],
        [logged.first.span_id, 1, "look", "d1 ü\u2028", None],
    ]
    values = sorted(list(row.values()) for row in rows)
    assert [list(rows[0]), *values] == expected


async def test_lists_are_exploded_and_joined(phoenix: PhoenixClient, logged: Logged) -> None:
    query = QUERY.concat(DOCUMENTS, separator=" | ", context="document.content").select("name").with_index("trace_id")

    rows = await phoenix.spans.query(project=logged.project, query=query)

    assert {row["name"]: row["context"] for row in rows} == {"look": "d0\r\n\r\n-- | d1 ü\u2028", "look again": "d2"}
    assert {row["context.trace_id"] for row in rows} == {logged.asked.trace_id}
    assert rows.index_columns == ("context.trace_id",)


async def test_nothing_found_still_has_its_columns(phoenix: PhoenixClient, logged: Logged) -> None:
    nothing = QUERY.where("name == 'none'")
    for query in (nothing, nothing.select("name"), nothing.select("name").explode(DOCUMENTS, text="document.content")):
        rows = await phoenix.spans.query(project=logged.project, query=query)
        assert rows == []
        assert list(span_rows_to_dataframe(rows).reset_index().columns) == list(rows.columns)
        assert "name" in rows.columns


async def test_the_prepared_queries_find_documents_and_questions(phoenix: PhoenixClient, logged: Logged) -> None:
    documents = await phoenix.spans.retrieved_documents(project=logged.project)
    assert {(row["document_position"], row["document"], row["document_score"]) for row in documents} == {
        (0, "d0\r\n\r\n--", 0.25),
        (1, "d1 ü\u2028", 0.25),
        (0, "d2", 0.25),
    }
    refined = RETRIEVED_DOCUMENTS.where("name == 'look again'")
    assert [row["document"] for row in await phoenix.spans.query(project=logged.project, query=refined)] == ["d2"]

    questions = await phoenix.spans.questions_with_context(project=logged.project)
    assert questions == [
        {
            "context.span_id": logged.asked.span_id,
            "context.trace_id": logged.asked.trace_id,
            "input": "what?",
            "output": "that",
            "context": "d0\r\n\r\n--\n\nd1 ü\u2028\n\nd2",
            "metadata": None,
        }
    ]
    window: dict[str, Any] = {"start_time": START + timedelta(minutes=1)}
    assert await phoenix.spans.questions_with_context(project=logged.project, **window) == []
    assert await phoenix.spans.retrieved_documents(project=logged.project, **window) == []


@pytest.mark.parametrize(
    "condition",
    [
        "f()",
        "latency_ms > 'a'",
        "start_time > 'noon'",
        "annotations['quality'].scor > 1",
        "name.startswith('a')",
        "name",
    ],
)
async def test_a_condition_that_the_server_does_not_understand_is_named(
    phoenix: PhoenixClient, logged: Logged, condition: str
) -> None:
    with pytest.raises(ValidationError, match="where is refused by the server") as caught:
        await phoenix.spans.query(project=logged.project, query=QUERY.where(condition))
    assert caught.value.validation_errors[0]["field"] == "where"


async def test_a_list_of_anything_but_objects_has_no_rows(phoenix: PhoenixClient, logged: Logged) -> None:
    rows: list[dict[str, Any]] = []
    said = "a list to explode has to hold objects"
    try:
        rows = await phoenix.spans.query(project=logged.project, query=QUERY.explode("tags"))
    except ServerError as exc:  # as servers with SQLite answer, those with PostgreSQL have no row
        said = exc.message

    assert rows == []
    assert "a list to explode has to hold objects" in said
    after = await phoenix.spans.query(project=logged.project, query=QUERY.where("latency_ms > 1"))
    assert logged.names(after) == {"asked"}


async def test_documents_have_whole_positions_beside_spans_that_found_nothing(
    phoenix: PhoenixClient, unique: Unique
) -> None:
    project = unique("found-nothing")
    empty = NewSpan(name="empty", kind="RETRIEVER", attributes={DOCUMENTS: [], "tags": ["x"]})
    await phoenix.spans.log(project=project, spans=[empty], wait=60)
    assert await phoenix.spans.retrieved_documents(project=project) == []

    texts = NewSpan(name="texts", kind="RETRIEVER", attributes={DOCUMENTS: ["a", "b"], "tags": ["y"]})
    full = NewSpan(name="full", kind="RETRIEVER", attributes=retrieved("d0", "d1") | {"tags": ["z"]})
    await phoenix.spans.log(project=project, spans=[texts, full], wait=60)

    rows = await phoenix.spans.retrieved_documents(project=project)
    assert sorted((row["context.span_id"], repr(row["document_position"]), row["document"]) for row in rows) == [
        (full.span_id, "0", "d0"),
        (full.span_id, "1", "d1"),
    ]
    both = QUERY.explode(DOCUMENTS, text="document.content").concat("tags")
    rows = await phoenix.spans.query(project=project, query=both)
    assert sorted(tuple(row.values()) for row in rows) == [(full.span_id, 0, "d0", "z"), (full.span_id, 1, "d1", "z")]


async def test_a_project_that_is_not_there_is_an_error_and_not_an_empty_answer(
    phoenix: PhoenixClient, unique: Unique
) -> None:
    for call in (phoenix.spans.query, phoenix.spans.retrieved_documents, phoenix.spans.questions_with_context):
        with pytest.raises(NotFoundError):
            await call(project=unique("nowhere"))


async def test_a_project_may_have_a_slash_in_its_name(phoenix: PhoenixClient, unique: Unique) -> None:
    project = f"{unique('team')}/rag"
    await phoenix.spans.log(project=project, spans=[NewSpan(name="one")], wait=60)
    assert [row["name"] for row in await phoenix.spans.query(project=project)] == ["one"]
