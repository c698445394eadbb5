"""Answers to queries of spans are read, and refused when they are none; prepared queries are put together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from importlib import import_module
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from promptops.core import RuntimeConfig, SyncRuntime
from promptops.core.errors import InvalidResponseError, NotFoundError, ServerError, ValidationError
from promptops.core.messages import Response
from promptops.core.testing import FakeClock, FakeTransport, json_response
from promptops.core.transport import ExchangeFailed
from promptops.phoenix._versions import ServerVersion
from promptops.phoenix.tracing import SpanQuery, SpanRows, span_rows_to_dataframe
from promptops.phoenix.tracing._spans import AsyncSpans, SyncSpans

QUERY = SpanQuery()
PROJECT = json_response({"data": {"id": "UHJvamVjdDox", "name": "the name", "description": None}})
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Script:
    """The spans resource over a project that is there, and scripted answers to queries."""

    def __init__(self, *outcomes: Any, project: Any = PROJECT) -> None:
        clock = FakeClock()
        self.transport = FakeTransport([project, *outcomes], clock=clock)
        config = RuntimeConfig(base_url="http://phoenix.test")
        runtime = SyncRuntime(config, transport=self.transport, clock=clock, random=lambda: 0.5)
        self.spans = SyncSpans(AsyncSpans(runtime, version=ServerVersion(runtime)))

    def body(self) -> dict[str, Any]:
        """What the last request sent."""
        sent: dict[str, Any] = msgspec.json.decode(self.transport.attempts[-1].body)
        return sent


def table(index: int, *fields: str, rows: Any = (), **types: str) -> bytes:
    """A table of the server; the first so many fields are its index."""
    known = [{"name": f"{place}_{name}", "type": types.get(name, "string")} for place, name in enumerate(fields)]
    data = [dict(zip((field["name"] for field in known), row, strict=True)) for row in rows]
    schema = {"fields": known, "primaryKey": [field["name"] for field in known[:index]], "pandas_version": "1.4.0"}
    return msgspec.json.encode({"schema": schema, "data": data})


def parts(*tables: bytes, boundary: str = "b_-1", media: str | None = None, end: bytes = b"--\r\n") -> Response:
    """An answer of the server."""
    edge = b"--" + boundary.encode()
    body = b"".join(edge + b"\r\nContent-Type: application/json\r\n\r\n" + one + b"\r\n" for one in tables) + edge + end
    media = f"multipart/mixed; boundary={boundary}" if media is None else media
    return Response(status=200, headers={"content-type": media}, body=body)


NOTHING = parts(table(1, "context.span_id", "promptops_0"))


def test_a_query_says_whose_spans_and_which_by_name() -> None:
    script = Script(NOTHING)

    found = script.spans.query(
        project="UHJvamVjdDox",
        query=QUERY.select("name"),
        start_time=NOON.astimezone(timezone(timedelta(hours=2))),
        end_time=NOON + timedelta(hours=1),
        limit=5,
    )

    request = script.transport.attempts[-1]
    assert (request.method, request.target) == ("POST", "/v1/spans?project_name=the%20name")
    assert dict(request.headers)["accept"] == "application/json"
    body = script.body()
    moments = [datetime.fromisoformat(body.pop(name)) for name in ("start_time", "end_time")]
    assert moments == [NOON, NOON + timedelta(hours=1)]
    assert body == {
        "queries": [{"index": {"key": "context.span_id"}, "select": {"promptops_0": {"key": "name"}}}],
        "limit": 5,
    }
    assert (found, found.columns, found.index_columns) == ([], ("context.span_id", "name"), ("context.span_id",))


def test_no_limit_is_the_largest_there_is() -> None:
    script = Script(parts(table(1, "context.span_id")))
    script.spans.query(project="p")
    assert script.body() == {"queries": [{}], "limit": 2**31 - 1}


def test_rows_have_the_labels_and_the_order_of_the_query() -> None:
    answer = table(
        2,
        "context.span_id",
        "document_position",
        "promptops_2",
        "promptops_0",
        "promptops_3",
        rows=[["a", 0, "t", "2026-01-01T12:00:00.000007123Z", 0.5], ["a", 1, None, None, None]],
        promptops_0="datetime",
    )
    query = QUERY.select(began="start_time").explode(
        "retrieval.documents", absent="document.none", text="document.content", score="document.score"
    )

    found = Script(parts(answer)).spans.query(project="p", query=query.rename(text="document", span_id="span"))

    when = NOON + timedelta(microseconds=7)
    assert found == [
        {"span": "a", "document_position": 0, "began": when, "absent": None, "document": "t", "score": 0.5},
        {"span": "a", "document_position": 1, "began": None, "absent": None, "document": None, "score": None},
    ]
    assert [list(row) for row in found] == [list(found.columns)] * 2
    assert found.index_columns == ("span", "document_position")


def test_rows_that_stand_for_no_object_of_an_exploded_list_are_left_out() -> None:
    fields = ("context.span_id", "document_position", "promptops_0", "promptops_1", "promptops_2")
    rows = [
        ["a", 0.0, "n", "first", "x"],
        ["a", 1.0, "n", None, "x"],
        ["texts", None, "n", None, "y"],
        [None, None, None, None, "z"],
    ]
    query = QUERY.select("name").explode("retrieval.documents", text="document.content").concat("tags", said="t")

    found = Script(parts(table(2, *fields, rows=rows))).spans.query(project="p", query=query.rename(name="n"))

    assert [list(row.values()) for row in found] == [["a", 0, "n", "first", "x"], ["a", 1, "n", None, "x"]]
    assert [type(row["document_position"]) for row in found] == [int, int]


def test_no_object_in_any_exploded_list_is_no_row_with_all_columns() -> None:
    answer = table(1, "context.span_id", "promptops_1", rows=[["a", "said"]])
    query = QUERY.explode("a.b", text="c").concat("tags", said="t")

    found = Script(parts(answer)).spans.query(project="p", query=query)

    assert (found, found.columns) == ([], ("context.span_id", "position", "text", "said"))
    assert list(span_rows_to_dataframe(found).index.names) == ["context.span_id", "position"]


def test_everything_of_a_span_keeps_the_names_of_the_server() -> None:
    answer = table(1, "context.span_id", "name", "context.span_id", "attributes.a_b", rows=[["s", "n", "s", [1]]])

    found = Script(parts(answer)).spans.query(project="p", query=QUERY.rename(**{"attributes.a_b": "x"}))

    assert found == [{"context.span_id": "s", "name": "n", "x": [1]}]
    assert found.columns == ("context.span_id", "name", "x")


def test_the_items_of_a_list_come_under_the_name_of_the_list() -> None:
    answer = table(1, "context.span_id", "attributes['tags']", rows=[["s", "a, b"]])
    query = QUERY.concat("tags", separator=", ")
    assert Script(parts(answer)).spans.query(project="p", query=query) == [{"context.span_id": "s", "tags": "a, b"}]


def test_two_columns_of_one_label_are_refused_rather_than_one_lost() -> None:
    answer = table(2, "context.span_id", "position", "name", "promptops_0", rows=[["s", 0, "theirs", "ours"]])
    query = QUERY.select("name").explode("a.b")

    with pytest.raises(ValidationError, match="two columns 'name'"):
        Script(parts(answer)).spans.query(project="p", query=query)

    found = Script(parts(answer)).spans.query(project="p", query=QUERY.select(mine="name").explode("a.b"))
    assert found == [{"context.span_id": "s", "position": 0, "mine": "ours", "name": "theirs"}]


def test_many_rows_come_as_they_are() -> None:
    rows = [[f"{number}", "x" * 200, "2026-01-01T12:00:00.000000000Z"] for number in range(3000)]
    answer = table(1, "context.span_id", "promptops_0", "promptops_1", rows=rows, promptops_1="datetime")

    found = Script(parts(answer)).spans.query(project="p", query=QUERY.select("name", "start_time"))

    assert [row["context.span_id"] for row in found] == [f"{number}" for number in range(3000)]
    assert all(row["start_time"] == NOON for row in found)


@given(st.lists(st.text(max_size=20), max_size=5), st.from_regex(r"[A-Za-z0-9_-]{1,86}", fullmatch=True))
def test_no_text_is_taken_for_the_end_of_a_part(texts: list[str], boundary: str) -> None:
    values = [*texts, f"\r\n--{boundary}--", f"--{boundary}"]
    rows = [[str(number), value] for number, value in enumerate(values)]
    answer = parts(table(1, "context.span_id", "promptops_0", rows=rows), boundary=boundary)
    found = Script(answer).spans.query(project="p", query=QUERY.select("name"))
    assert [row["name"] for row in found] == values


def test_a_boundary_may_be_quoted() -> None:
    answer = parts(table(1, "context.span_id"), boundary="q", media='Multipart/Mixed;boundary="q"; charset=utf-8')
    assert Script(answer).spans.query(project="p") == []


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (parts(table(1, "context.span_id"), media="application/x-pandas-arrow"), "x-pandas-arrow"),
        (parts(table(1, "context.span_id"), media="multipart/mixed"), "not with parts"),
        (parts(table(1, "context.span_id"), media="multipart/mixed; boundary=other"), "cut off"),
        (parts(table(1, "context.span_id"), end=b""), "cut off"),
        (parts(), "0 of 1"),
        (parts(table(1, "context.span_id"), table(1, "context.span_id")), "2 of 1"),
        (parts(b"{"), "JSON"),
        (parts(b'{"data": []}'), "schema"),
        (parts(table(1, "context.span_id", "t", rows=[["s", "noon"]], t="datetime")), "noon"),
        (parts(table(1, "context.span_id", "t", rows=[["s", 5]], t="datetime")), "does not fit"),
        (parts(table(1, "context.span_id", "t").replace(b'"data":[]', b'"data":[{"1_t":"x"}]')), "0_context"),
        (Response(status=200, headers={"content-type": "text/html"}, body=b"<html></html>"), "web page"),
        (Response(status=200, headers={"content-type": "application/json"}, body=b"{}"), "application/json"),
        (Response(status=405, headers={"content-type": "text/plain"}, body=b"Method Not Allowed"), "405"),
    ],
)
def test_what_is_no_table_is_refused(answer: Response, match: str) -> None:
    with pytest.raises(InvalidResponseError, match=match):
        Script(answer).spans.query(project="p")


def test_a_part_that_is_not_json_is_refused() -> None:
    answer = parts(table(1, "context.span_id"))
    other = msgspec.structs.replace(answer, body=answer.body.replace(b"application/json", b"text/csv"))
    with pytest.raises(InvalidResponseError, match="not JSON"):
        Script(other).spans.query(project="p")


def text(said: str, status: int) -> Response:
    return Response(status=status, headers={"content-type": "text/plain; charset=utf-8"}, body=said.encode())


def test_a_condition_that_the_server_does_not_understand_is_named() -> None:
    said = "Invalid query: cannot compare number and string"
    with pytest.raises(ValidationError, match=r"cannot compare number and string\. See SpanQuery\.where") as caught:
        Script(text(said, 422)).spans.query(project="p", query=QUERY.where("latency_ms > 'a'"))

    problem = {"field": "where", "message": "cannot compare number and string", "code": "invalid"}
    assert caught.value.validation_errors == [problem]


def test_another_refusal_stays_what_it_was() -> None:
    with pytest.raises(ValidationError, match="too late") as caught:
        Script(text("too late", 422)).spans.query(project="p")
    assert "SpanQuery" not in str(caught.value)


def test_a_query_that_the_server_fails_on_says_what_may_be_wrong() -> None:
    script = Script(*[text("Internal Server Error", 500)] * 5)
    with pytest.raises(ServerError, match="a list to explode has to hold objects") as caught:
        script.spans.query(project="p", query=QUERY.explode("tags"))
    assert (caught.value.status_code, caught.value.retryable) == (500, False)


def test_a_failure_of_a_query_that_explodes_nothing_does_not_speak_of_lists() -> None:
    with pytest.raises(ServerError, match=r"failed on this query \(Internal Server Error\)\.") as caught:
        Script(*[text("Internal Server Error", 500)] * 5).spans.query(project="p", query=QUERY.concat("tags"))
    assert "explode" not in str(caught.value)


def test_a_server_that_is_away_stays_worth_another_try() -> None:
    with pytest.raises(ServerError) as caught:
        Script(*[text("away", 503)] * 5).spans.query(project="p")
    assert (caught.value.retryable, "explode" in str(caught.value)) == (True, False)


def test_a_query_is_repeated_when_its_answer_is_lost() -> None:
    script = Script(ExchangeFailed("the connection broke"), NOTHING)
    assert script.spans.query(project="p", query=QUERY.select("name")) == []
    assert len(script.transport.attempts) == 3


def test_a_project_that_is_not_there_is_not_found() -> None:
    script = Script(project=text("Project with name p not found", 404))
    with pytest.raises(NotFoundError):
        script.spans.query(project="p")
    assert len(script.transport.attempts) == 1


def with_project(arguments: Any) -> Any:
    return {"project": "p", **arguments}


@pytest.mark.parametrize(
    "arguments",
    [
        {"limit": 0},
        {"limit": -1},
        {"limit": True},
        {"limit": 1.5},
        {"limit": 2**31},
        {"limit": 5, "query": QUERY.explode("a.b").concat("c.d")},
        {"start_time": datetime(2026, 1, 1)},
        {"start_time": NOON, "end_time": NOON},
        {"project": ""},
        {"query": QUERY.with_index("trace_id")},
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_sent(arguments: Any) -> None:
    script = Script()
    with pytest.raises(ValidationError):
        script.spans.query(**with_project(arguments))
    assert script.transport.attempts == []


def contexts(*rows: tuple[str, str, int, str | None]) -> bytes:
    made = [[span, trace, f"2026-01-01T12:00:{second:02}.000000000Z", said] for span, trace, second, said in rows]
    fields = ("context.span_id", "promptops_0", "promptops_1", "promptops_2")
    return table(1, *fields, rows=made, promptops_1="datetime")


def questions(*rows: tuple[str, str, int]) -> bytes:
    made = [[span, trace, f"2026-01-01T12:00:{second:02}.000Z", "in", "out", None] for span, trace, second in rows]
    return table(1, "context.span_id", *(f"promptops_{n}" for n in range(5)), rows=made, promptops_1="datetime")


def test_questions_get_the_documents_of_their_trace_in_the_order_of_time() -> None:
    asked = questions(("q2", "t2", 9), ("q1", "t1", 1), ("q3", "t3", 2), ("again", "t1", 3))
    retrieved = contexts(("r3", "t1", 3, "third"), ("r1", "t1", 1, "first"), ("r2", "t1", 2, None), ("r", "t2", 1, "x"))
    script = Script(parts(asked, retrieved))

    found = script.spans.questions_with_context(project="p", start_time=NOON)

    assert len(script.body()["queries"]) == 2
    rest = {"input": "in", "output": "out", "metadata": None}
    both = "first\n\nthird"
    assert found == [
        {"context.span_id": "q1", "context.trace_id": "t1", "context": both, **rest},
        {"context.span_id": "again", "context.trace_id": "t1", "context": both, **rest},
        {"context.span_id": "q2", "context.trace_id": "t2", "context": "x", **rest},
    ]
    assert found.columns == ("context.span_id", "context.trace_id", "input", "output", "context", "metadata")


def test_no_question_is_an_answer_with_columns() -> None:
    found = Script(parts(questions(), contexts())).spans.questions_with_context(project="p")
    assert (found, found.index_columns) == ([], ("context.span_id",))
    assert list(span_rows_to_dataframe(found).columns) == list(found.columns[1:])


def test_rows_become_a_data_frame_with_their_index() -> None:
    pandas: Any = import_module("pandas")
    rows = SpanRows(
        [{"s": "a", "p": 0, "n": 1, "t": NOON}, {"s": "a", "p": 1, "n": None, "t": NOON}],
        columns=("s", "p", "n", "t"),
        index_columns=("s", "p"),
    )

    frame = span_rows_to_dataframe(rows)

    assert list(frame.index.names) == ["s", "p"]
    assert list(frame.index) == [("a", 0), ("a", 1)]
    assert frame.loc[("a", 0)].to_dict() == {"n": 1, "t": pandas.Timestamp(NOON)}
    one = SpanRows([{"s": "a", "n": 1}], columns=("s", "n"), index_columns=("s",))
    assert span_rows_to_dataframe(one).index.name == "s"


@pytest.mark.parametrize("name", ["query", "retrieved_documents"])
def test_a_query_may_take_five_minutes_or_as_long_as_is_said(name: str) -> None:
    deadlines: list[float] = []
    for timeout in (None, 7.0):
        script = Script(parts(table(2, "context.span_id", "document_position")))
        assert getattr(script.spans, name)(project="p", timeout=timeout) == []
        deadlines.append(script.transport.attempts[-1].deadline)
    assert deadlines[0] - deadlines[1] == pytest.approx(300 - 7)
