"""Which spans, traces and sessions are meant: filters become queries, and what cannot be asked for is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from promptops.core.bridge import drive
from promptops.core.errors import ValidationError
from promptops.core.pagination import CursorPage
from promptops.core.urls import encode_query
from promptops.phoenix._listing import check_limit, grouped, iterate_pages, path_id
from promptops.phoenix.tracing._spans_filters import needed_features, span_queries
from promptops.phoenix.tracing._traces_filters import trace_queries

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ORDER = [("sort", "id"), ("order", "desc")]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"name": "a"}, [("name", "a")]),
        ({"name": ["a", "b", "a"]}, [("name", "a"), ("name", "b")]),
        ({"roots_only": True}, [("parent_id", "null")]),
        ({"parent_id": "ab"}, [("parent_id", "ab")]),
        ({"start_time": NOW}, [("start_time", "2026-01-01T00:00:00+00:00")]),
        ({"attributes": {"a": "5"}}, [("attribute", 'a:"5"')]),
        ({"attributes": {"a": 5, "b": True}}, [("attribute", "a:5"), ("attribute", "b:true")]),
        ({"attributes": {"a": 'x"y:z'}}, [("attribute", 'a:"x\\"y:z"')]),
        ({"name": None, "attributes": None, "trace_ids": None}, []),
    ],
)
def test_a_filter_becomes_a_query(query: Any, expected: list[tuple[str, str]]) -> None:
    (found,) = span_queries(query)
    assert [pair for pair in found if pair not in ORDER] == expected
    assert [pair for pair in found if pair in ORDER] == ORDER


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"start_time": NOW.replace(tzinfo=None)}, "start_time"),
        ({"start_time": NOW, "end_time": NOW}, "end_time"),
        ({"parent_id": ""}, "parent_id"),
        ({"parent_id": "a", "roots_only": True}, "parent_id"),
        ({"trace_ids": "abc"}, "trace_ids"),
        ({"span_ids": [""]}, "span_ids"),
        ({"name": []}, "name"),
        ({"sort": "name"}, "sort"),
        ({"order": "up"}, "order"),
        ({"attributes": {"a:b": 1}}, "attributes.a:b"),
        ({"attributes": {"": 1}}, "attributes"),
        ({"attributes": {"a": None}}, "attributes.a"),
        ({"attributes": {"a": [1]}}, "attributes.a"),
        ({"attributes": {"a": float("inf")}}, "attributes.a"),
    ],
)
def test_a_filter_that_cannot_be_asked_for_is_refused(query: Any, field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        list(span_queries(query))
    assert caught.value.validation_errors[0]["field"] == field


def test_a_filter_that_does_not_exist_is_an_error_and_not_left_out() -> None:
    misspelt: Any = {"span_kinds": ["LLM"]}
    with pytest.raises(TypeError, match="span_kinds"):
        list(span_queries(misspelt))
    with pytest.raises(TypeError, match="span_kinds"):
        trace_queries(misspelt)


def test_no_id_is_no_query_and_many_are_several() -> None:
    assert list(span_queries({"trace_ids": []})) == []
    many = [f"{number:016x}" for number in range(201)]
    assert len(list(span_queries({"span_ids": many}))) == 3
    assert len(list(span_queries({"span_ids": many, "trace_ids": many}))) == 9
    assert trace_queries({"session_ids": []}) == []


@pytest.mark.parametrize("one", ["a" * 32, "ü" * 40, "a b/" * 300], ids=["hex", "umlauts", "slashes"])
def test_ids_in_a_group_fit_into_an_address(one: str) -> None:
    ids = [f"{number}{one}" for number in range(300)]

    groups = grouped(ids)

    assert [each for group in groups for each in group] == ids
    for group in groups:
        assert len(group) <= 100
        assert len(encode_query(("session_identifier", each) for each in group)) < 8000 or len(group) == 1


@pytest.mark.parametrize(
    ("query", "features"),
    [
        ({}, []),
        ({"start_time": NOW, "sort": "start_time"}, []),
        ({"trace_ids": []}, ["spans of given traces"]),
        ({"span_ids": ["a"], "attributes": {"a": 1}}, ["spans by their ids", "filters of spans by attribute"]),
        ({"roots_only": True}, ["filters of spans"]),
        ({"status_code": "OK"}, ["filters of spans"]),
        ({"status_code": None, "roots_only": False}, []),
    ],
)
def test_a_filter_says_which_feature_it_needs(query: Any, features: list[str]) -> None:
    assert list(needed_features(query)) == features


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_a_latency_is_a_finite_number(value: float) -> None:
    with pytest.raises(ValidationError, match="max_latency_ms"):
        trace_queries({"max_latency_ms": value})
    ((*pairs,),) = trace_queries({"max_latency_ms": 0.5, "error": False})
    assert {("max_latency_ms", "0.5"), ("error", "false")} <= set(pairs)


@pytest.mark.parametrize("limit", [0, -1, 1001, True, 1.5, None])
def test_a_page_has_from_one_to_a_thousand_items(limit: Any) -> None:
    with pytest.raises(ValidationError, match="limit"):
        check_limit(limit)
    assert (check_limit(1), check_limit(1000)) == (1, 1000)


@pytest.mark.parametrize("value", ["a/b", "", " ", "a\0"])
def test_an_id_that_would_be_another_route_is_refused(value: str) -> None:
    with pytest.raises(ValidationError, match="session_id"):
        path_id("session_id", value)


@pytest.mark.parametrize(
    ("limit", "sizes", "count"),
    [(None, [1000, 1000, 1000], 5), (3, [3, 3], 3), (5, [5, 5, 5], 5), (4000, [1000] * 3, 5)],
)
def test_no_more_items_are_asked_for_than_wanted(limit: int | None, sizes: list[int], count: int) -> None:
    asked: list[int] = []

    async def fetch(cursor: str | None, size: int) -> CursorPage[int]:
        asked.append(size)
        start = int(cursor or 0)
        items = list(range(start, min(start + 2, 5)))
        return CursorPage(items=items, has_more=start < 4, next_cursor=str(start + 2))

    async def collected() -> list[int]:
        return [item async for item in iterate_pages(fetch, limit=limit)]

    assert drive(collected()) == list(range(count))
    assert asked == sizes


@pytest.mark.parametrize("limit", [0, -1, True])
def test_a_limit_in_all_is_at_least_one(limit: int) -> None:
    async def fetch(cursor: str | None, size: int) -> CursorPage[int]:
        raise AssertionError("it asked")

    async def collected() -> list[int]:
        return [item async for item in iterate_pages(fetch, limit=limit)]

    with pytest.raises(ValidationError, match="limit"):
        drive(collected())


def test_a_range_may_be_open_at_either_end() -> None:
    (first,) = span_queries({"start_time": NOW})
    (second,) = span_queries({"end_time": NOW + timedelta(hours=1)})
    assert ("end_time", "2026-01-01T01:00:00+00:00") in second
    assert not {name for name, _ in first} & {"end_time"}
