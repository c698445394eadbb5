"""Queries of spans are values: they are checked as they are made, and turned into what the server takes."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from promptops.core.errors import ValidationError
from promptops.phoenix.tracing import RETRIEVED_DOCUMENTS, SpanQuery, Unfolded
from promptops.phoenix.tracing._query_calls import query_body
from promptops.phoenix.tracing._query_paths import expression

QUERY = SpanQuery()


def sent(query: SpanQuery, *, roots_only: bool = False) -> dict[str, Any]:
    """A query as it travels."""
    body = query_body([query], start_time=None, end_time=None, limit=None, roots_only=roots_only)
    only: dict[str, Any] = msgspec.json.decode(body)["queries"][0]
    return only


def test_a_query_never_changes() -> None:
    before = QUERY.select("name")

    after = before.where("latency_ms > 1").select("input.value").with_index("trace_id")

    assert before == QUERY.select("name")
    assert after.columns == (("name", "name"), ("input.value", "input.value"))
    assert hash(after) != hash(before)
    with pytest.raises(AttributeError):
        before.index = "name"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue] - it is frozen


def test_everything_is_asked_for_when_nothing_in_particular_is() -> None:
    assert sent(QUERY) == {}
    assert sent(QUERY.where(" name == 'a' ").rename(name="n")) == {"filter": {"condition": "name == 'a'"}}


def test_all_conditions_have_to_be_true_whatever_stands_in_them() -> None:
    query = QUERY.where("name == 'a' or name == 'b'  # either").where("latency_ms > 1")

    condition = sent(query)["filter"]["condition"]

    meant = "(name == 'a' or name == 'b') and (latency_ms > 1)"
    assert ast.dump(ast.parse(condition, mode="eval")) == ast.dump(ast.parse(meant, mode="eval"))


def test_roots_are_a_condition_beside_those_of_the_query() -> None:
    assert sent(QUERY, roots_only=True)["filter"]["condition"] == "parent_id is None"
    both = ast.parse(sent(QUERY.where("a == 1 or b == 2"), roots_only=True)["filter"]["condition"], mode="eval")
    assert ast.unparse(both) == "(a == 1 or b == 2) and parent_id is None"


def test_spans_with_an_empty_list_are_not_asked_for_when_it_is_exploded() -> None:
    condition = sent(QUERY.where("name == 'a' or name == 'b' # either").explode("attributes.llm.tools"))["filter"]
    meant = "(name == 'a' or name == 'b') and attributes['llm']['tools'][0] is not None"
    assert ast.unparse(ast.parse(condition["condition"], mode="eval")) == meant
    assert "filter" not in sent(QUERY.concat("llm.tools"))
    assert "filter" not in sent(QUERY.explode("name"))


def test_columns_travel_under_names_of_our_own() -> None:
    query = (
        QUERY.select("name", **{"name of the model": "llm.model_name"})
        .explode("retrieval.documents", name_too="document.content")
        .concat("llm.input_messages", separator=" ", said="message.content")
        .with_index("trace_id")
    )

    assert sent(query) == {
        "filter": {"condition": "attributes['retrieval']['documents'][0] is not None"},
        "index": {"key": "context.trace_id"},
        "select": {"promptops_0": {"key": "name"}, "promptops_1": {"key": "llm.model_name"}},
        "explode": {
            "key": "retrieval.documents",
            "kwargs": {"promptops_2": "document.content"},
            "primary_index_key": "context.trace_id",
        },
        "concat": {"key": "llm.input_messages", "kwargs": {"promptops_3": "message.content"}, "separator": " "},
    }
    assert query.index_labels == ("context.trace_id", "document_position")
    assert query.labels == (*query.index_labels, "name", "name of the model", "name_too", "said")


def test_the_index_is_there_once_though_it_is_selected_too() -> None:
    assert QUERY.select("span_id", "name").labels == ("context.span_id", "name")
    assert QUERY.select("span_id", me="span_id").labels == ("context.span_id", "me")
    assert QUERY.select("name", "name").labels == ("context.span_id", "name")


def test_lists_other_than_documents_have_positions_of_their_own() -> None:
    assert QUERY.explode("llm.tools").index_labels == ("context.span_id", "position")
    assert QUERY.explode("attributes.retrieval.documents").index_labels[1] == "document_position"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("name", "name"),
        ("latency_ms", "latency_ms"),
        ("span_id", "context.span_id"),
        ("context.trace_id", "context.trace_id"),
        ("llm.model_name", "llm.model_name"),
        ("attributes.llm.model_name", "llm.model_name"),
        ("attributes['llm']['model_name']", "llm.model_name"),
        ("f", "attributes['f']"),
        ("cost", "attributes['cost']"),
        ("attributes.name", "attributes['name']"),
        ("name.first", "attributes['name']['first']"),
        ("events.x", "attributes['events']['x']"),
        ("class", "attributes['class']"),
        ("lambda.if", "attributes['lambda']['if']"),
        ("two words", "attributes['two words']"),
        ("größe.é", "attributes['größe']['é']"),
        ("a-b.c/d", "attributes['a-b']['c/d']"),
        ('metadata["it\'s"]', "attributes['metadata'][\"it's\"]"),
        ("retrieval.documents[0].document.content", "attributes['retrieval']['documents'][0]['document']['content']"),
        ("retrieval.documents.10.document.id", "attributes['retrieval']['documents'][10]['document']['id']"),
    ],
)
def test_names_are_read_as_people_write_them(name: str, meant: str) -> None:
    assert expression("select", name) == meant


@pytest.mark.parametrize(
    "name",
    ["", " ", "a..b", ".a", "a.", "0.a", "a[", "a[x]", "a[-1]", "a['']", "a b ", "f()", "a = 1", "a,b", "'a'", "a\\b"],
)
def test_names_that_cannot_be_read_are_refused_before_anything_is_sent(name: str) -> None:
    with pytest.raises(ValidationError, match="select") as caught:
        QUERY.select(label=name)
    assert caught.value.validation_errors[0]["field"] in {"select", "select.label"}


@pytest.mark.parametrize("name", ["events", "attributes"])
def test_what_the_server_would_answer_with_nothing_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="query without select"):
        QUERY.select(name)


names = st.text(st.characters(codec="utf-8", exclude_characters="\0'\"\\[]"), min_size=1, max_size=12)


@given(st.lists(names.filter(str.strip), min_size=1, max_size=4))
def test_a_quoted_name_stays_one_name_whatever_is_in_it(parts: list[str]) -> None:
    name = "attributes" + "".join(f'["{part}"]' for part in parts)

    tree: Any = ast.parse(expression("select", name), mode="eval").body

    found: list[str] = []
    while not isinstance(tree, ast.Name):
        found.append(tree.attr if isinstance(tree, ast.Attribute) else tree.slice.value)
        tree = tree.value
    found += [] if tree.id == "attributes" else [tree.id]
    assert found[::-1] == parts


@given(st.text(max_size=30))
def test_any_text_is_a_name_that_can_be_sent_or_refused(name: str) -> None:
    try:
        made = expression("select", name)
    except ValidationError:
        return
    tree = ast.parse(made, mode="eval").body
    while not isinstance(tree, ast.Name):
        assert isinstance(tree, ast.Attribute | ast.Subscript)
        tree = tree.value


@pytest.mark.parametrize(
    "condition",
    ["", "  ", "name = 'a'", "name == 'a", "(name == 'a'", "name == 'a') or (name == 'b'", "import os", "\0"],
)
def test_conditions_that_are_no_expression_are_refused(condition: str) -> None:
    with pytest.raises(ValidationError) as caught:
        QUERY.where(condition)
    assert caught.value.validation_errors[0]["field"] == "where"


def test_a_condition_says_where_it_is_wrong_and_how_it_is_meant() -> None:
    with pytest.raises(ValidationError, match=r"character 6; .*name == 'answer'"):
        QUERY.where("name = 'a'")


def test_a_condition_that_nests_beyond_reason_is_refused() -> None:
    with pytest.raises(ValidationError, match="where"):
        QUERY.where("(" * 100_000 + "1" + ")" * 100_000)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: QUERY.select("name", name="input.value"), "select"),
        (lambda: QUERY.select(**{"context.span_id": "name"}), "select"),
        (lambda: QUERY.select("name").explode("a.b", name="x"), "explode"),
        (lambda: QUERY.select(document_position="name").explode("retrieval.documents"), "select"),
        (lambda: QUERY.explode("a.b", position="x"), "explode"),
        (lambda: QUERY.explode("a.b", x="y").concat("a.b", x="y"), "concat"),
        (lambda: QUERY.explode("a.b").explode("c.d"), "explode"),
        (lambda: QUERY.concat("a.b").concat("c.d"), "concat"),
        (lambda: QUERY.explode("a.b", x="y[0]"), "explode.x"),
        (lambda: QUERY.explode("a.b", x=""), "explode.x"),
        (lambda: QUERY.explode("a(b)"), "explode"),
        (lambda: QUERY.concat("a.b", separator=""), "separator"),
        (lambda: QUERY.concat("a.b", separator="\0"), "separator"),
        (lambda: QUERY.select("name", "input.value").rename(name="x", **{"input.value": "x"}), "rename"),
        (lambda: QUERY.select("name", "input.value").rename(name="input.value"), "rename"),
        (lambda: QUERY.select("name").rename(nme="x"), "rename"),
        (lambda: QUERY.select("name").rename(name=" "), "rename"),
        (lambda: QUERY.rename(name="x").rename(name="y"), "rename"),
        (lambda: QUERY.rename(name="x", span_kind="x"), "rename"),
        (lambda: QUERY.with_index("a(b)"), "with_index"),
        (lambda: SpanQuery(columns=(("x", "a b)"),)), "select.x"),
        (lambda: SpanQuery(exploded=Unfolded(path="")), "explode"),
        (lambda: SpanQuery(conditions=("a =",)), "where"),
        (lambda: sent(QUERY.with_index("trace_id")), "with_index"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_by_name(make: Callable[[], Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        make()
    assert caught.value.validation_errors[0]["field"] == field


def test_columns_are_renamed_when_the_query_has_them() -> None:
    query = QUERY.select("name", "input.value").rename(name="input.value", **{"input.value": "name", "span_id": "id"})
    assert query.names == (("name", "input.value"), ("input.value", "name"), ("context.span_id", "id"))
    QUERY.rename(**{"attributes.llm.model_name": "model"})
    QUERY.explode("a.b").rename(anything="x")


@pytest.mark.parametrize("value", [1, None, ["name"]])
def test_names_that_are_no_text_are_refused(value: Any) -> None:
    for make in (QUERY.select, QUERY.where, QUERY.explode, QUERY.concat, QUERY.with_index):
        with pytest.raises(ValidationError):
            make(value)


def test_the_prepared_query_can_be_refined() -> None:
    query = RETRIEVED_DOCUMENTS.where("latency_ms > 100").select("name")

    assert query.labels == (
        "context.span_id",
        "document_position",
        "context.trace_id",
        "input",
        "name",
        "document",
        "document_score",
        "document_metadata",
    )
