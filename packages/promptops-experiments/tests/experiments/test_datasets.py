from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from promptops.core.errors import ConflictError, NetworkError, NotFoundError, ValidationError
from promptops.core.messages import Request
from promptops.experiments import AsyncDatasets, RowsError, SyncDatasets
from promptops.experiments.datasets import to_dataframe

if TYPE_CHECKING:
    from .conftest import MemoryServer


def test_examples_come_back_with_the_users_fields_apart_from_the_servers(datasets: SyncDatasets) -> None:
    datasets.create("d", [{"question": "why?", "tags": ["a", None], "nested": {"x": 1.5}}])
    [example] = datasets.examples("d")
    assert example["question"] == "why?"
    assert dict(example.fields) == {"question": "why?", "tags": ["a", None], "nested": {"x": 1.5}}
    assert example.id
    assert example.created_at is not None


def test_up_to_a_thousand_examples_are_one_request_that_every_server_of_the_contract_takes(
    datasets: SyncDatasets, server: MemoryServer
) -> None:
    datasets.create("few", [{"i": i} for i in range(1000)])
    assert [request.path for request in server.sent("POST")] == ["/v2/datasets"]


def test_more_than_a_thousand_examples_travel_in_parts(datasets: SyncDatasets, server: MemoryServer) -> None:
    datasets.create("many", [{"i": i} for i in range(2500)])
    assert [example["i"] for example in datasets.examples("many")] == list(range(2500))
    sent = [len(msgspec.json.decode(request.body or b"{}").get("examples", ())) for request in server.sent("POST", "s")]
    assert [count for count in sent if count] == [1000, 1000, 500]
    assert len(server.sent("GET", "/examples")) == 5


def test_each_part_of_a_write_has_an_idempotency_key_of_its_own(datasets: SyncDatasets, server: MemoryServer) -> None:
    datasets.create("many", [{"i": i} for i in range(2500)])
    assert len({request.idempotency_key for request in server.sent("POST")}) == len(server.sent("POST")) == 5


def test_a_failure_midway_leaves_nothing_to_be_seen(datasets: SyncDatasets, server: MemoryServer) -> None:
    def fail(request: Request) -> None:
        if request.method == "POST" and len(server.sent("POST", "/examples")) == 2:
            raise NetworkError("the line is cut")

    server.before = fail
    with pytest.raises(NetworkError) as caught:
        datasets.create("many", [{"i": i} for i in range(2500)])
    assert caught.value.details["sent"] == 1000
    assert "nothing was changed" in caught.value.__notes__[0]
    assert (server.datasets, server.drafts) == ([], {})


def test_a_generator_is_read_once_and_nothing_is_sent_while_a_later_row_is_wrong(
    datasets: SyncDatasets, server: MemoryServer
) -> None:
    read: list[int] = []

    def rows() -> Iterator[dict[str, Any]]:
        for i in range(3000):
            read.append(i)
            yield {"i": i} if i != 2900 else {}

    with pytest.raises(ValidationError, match=r"examples\[2900\]"):
        datasets.create("many", rows())
    assert read == list(range(3000))
    assert server.requests == []


def test_at_most_a_hundred_wrong_rows_are_named_and_reading_ends_there(datasets: SyncDatasets) -> None:
    read: list[int] = []

    def rows() -> Iterator[dict[str, Any]]:
        for i in range(100_000):
            read.append(i)
            yield {}

    with pytest.raises(ValidationError, match="there may be further ones") as caught:
        datasets.create("many", rows())
    assert len(caught.value.validation_errors) == len(read) == 100


def test_a_schema_names_every_row_and_field_before_any_request(datasets: SyncDatasets, server: MemoryServer) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    with pytest.raises(RowsError) as caught:
        datasets.create("checked", [{"n": 1}, {"n": "2"}, {"m": 3}], schema=schema)
    found = [(item["field"], item["code"]) for item in caught.value.validation_errors]
    assert found == [("examples[1].n", "wrong_type"), ("examples[2].n", "required")]
    assert server.requests == []


def test_an_id_that_is_given_twice_is_refused_with_both_rows(datasets: SyncDatasets, server: MemoryServer) -> None:
    with pytest.raises(RowsError, match="same id 'a' as example 1"):
        datasets.create("twice", [{"key": "a", "n": 1}, {"key": "a", "n": 2}], id_column="key")
    assert server.requests == []


def test_progress_is_told_after_every_part(datasets: SyncDatasets) -> None:
    told: list[tuple[int, int]] = []
    datasets.create("many", [{"i": i} for i in range(2500)], on_progress=lambda sent, of: told.append((sent, of)))
    assert told == [(1000, 2500), (2000, 2500), (2500, 2500)]


def test_a_replacement_takes_examples_or_a_plan_and_not_both(datasets: SyncDatasets) -> None:
    with pytest.raises(ValidationError, match="give examples, or confirm="):
        datasets.replace("d")
    with pytest.raises(ValidationError, match="give examples, or confirm="):
        datasets.replace("d", [{"a": 1}], confirm="token")


@pytest.mark.parametrize(
    ("example", "reason"),
    [
        ({}, "no field"),
        ({"id": "mine", "q": 1}, "id"),
        ({"created_at": 1}, "created_at"),
        ({"score": float("nan")}, "NaN"),
        ({"deep": {"list": [1, float("inf")]}}, r"deep\.list\[1\]"),
        ({"object": object()}, "object"),
        ({"text": "\ud800"}, "Unicode"),
        ("text", "object with fields"),
        ({1: "x"}, "strings"),
    ],
)
def test_what_cannot_be_stored_is_refused_before_any_request(
    datasets: SyncDatasets, server: MemoryServer, example: Any, reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason) as caught:
        datasets.create("d", [{"fine": True}, example])
    assert caught.value.validation_errors[0]["field"] == "examples[1]"
    assert server.requests == []


def test_a_dataset_without_examples_is_refused(datasets: SyncDatasets, server: MemoryServer) -> None:
    with pytest.raises(ValidationError, match="at least one"):
        datasets.create("d", [])
    assert server.requests == []


def test_one_object_in_place_of_a_list_is_refused(datasets: SyncDatasets) -> None:
    single: Any = {"q": 1}
    with pytest.raises(ValidationError, match="list of objects"):
        datasets.create("d", single)


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (
            lambda: to_dataframe([{"q": 1}]),
            r"a data frame; give read_examples\(frame\) of promptops.experiments.datasets",
        ),
        (lambda: "examples.csv", r"text or a path; for a file, give read_examples\(path\)"),
        (lambda: Path("examples.csv"), r"text or a path; for a file, give read_examples\(path\)"),
        (lambda: 5, "not one int"),
    ],
    ids=["data frame", "text", "path", "number"],
)
def test_what_read_examples_reads_is_refused_by_its_name(
    datasets: SyncDatasets, server: MemoryServer, make: Callable[[], Any], advice: str
) -> None:
    given = make()
    with pytest.raises(ValidationError, match=advice):
        datasets.create("cities", given)
    assert server.requests == []
    with pytest.raises(ValidationError, match=advice):
        datasets.insert("cities", given)
    assert server.requests == []


def test_nesting_that_no_server_takes_is_refused(datasets: SyncDatasets) -> None:
    value: list[Any] = []
    for _ in range(70):
        value = [value]
    with pytest.raises(ValidationError, match="deeper"):
        datasets.create("d", [{"value": value}])


def test_a_cycle_is_refused(datasets: SyncDatasets) -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValidationError, match="contains itself"):
        datasets.create("d", [{"value": value}])


def test_names_are_compared_exactly(datasets: SyncDatasets) -> None:
    datasets.create("test", [{"a": 1}])
    longer = datasets.create("test-2", [{"a": 1}])
    assert datasets.get("test-2").id == longer.id
    assert datasets.get("test").name == "test"


def test_an_id_is_used_as_it_is(datasets: SyncDatasets, server: MemoryServer) -> None:
    made = datasets.create("d", [{"a": 1}])
    server.requests.clear()
    assert datasets.get(made.id).name == "d"
    assert len(server.requests) == 1


def test_a_name_that_is_not_there_names_the_close_ones(datasets: SyncDatasets) -> None:
    datasets.create("questions", [{"a": 1}])
    with pytest.raises(NotFoundError, match=r"'qestions'.*did you mean 'questions'"):
        datasets.get("qestions")


def test_a_name_that_is_not_there_counts_what_was_looked_at(datasets: SyncDatasets) -> None:
    datasets.create("a0", [{"a": 1}])
    with pytest.raises(NotFoundError, match="there is 1, none is close"):
        datasets.get("something else")
    for number in range(1, 100):
        datasets.create(f"a{number}", [{"a": 1}])
    with pytest.raises(NotFoundError, match="there are 100, none is close"):
        datasets.get("something else")
    datasets.create("a100", [{"a": 1}])
    with pytest.raises(NotFoundError, match="there are more than 100; none of the first 100 is close"):
        datasets.get("something else")


def test_a_name_on_the_second_page_is_found(datasets: SyncDatasets) -> None:
    datasets.create("n", [{"a": 1}])
    for i in range(120):
        datasets.create(f"n{i}", [{"a": 1}])
    assert datasets.get("n").name == "n"


@pytest.fixture
def other_space(server: MemoryServer) -> str:
    space = {"id": "U3BhY2U6b3RoZXI=", "name": "other"}
    server.spaces.append(space)
    return space["id"]


def test_a_name_in_two_projects_asks_which_one_is_meant(
    datasets: SyncDatasets, server: MemoryServer, other_space: str
) -> None:
    datasets.create("d", [{"a": 1}], project="default")
    server.datasets.append({**server.datasets[0], "id": "other", "space_id": other_space})
    with pytest.raises(ValidationError, match="project="):
        datasets.get("d")
    assert datasets.get("d", project="default").name == "d"


def test_a_dataset_goes_into_the_project_that_is_named(server: MemoryServer, other_space: str) -> None:
    datasets = SyncDatasets(AsyncDatasets(server, project="other"))
    assert datasets.create("a", [{"a": 1}]).space_id == other_space
    assert datasets.create("b", [{"a": 1}], project="default").space_id == server.spaces[0]["id"]


def test_without_a_project_the_default_of_the_key_is_taken(
    datasets: SyncDatasets, server: MemoryServer, other_space: str
) -> None:
    created = datasets.create("a", [{"a": 1}])
    assert created.space_id == server.spaces[0]["id"] != other_space


def test_a_project_that_is_not_there_is_named(datasets: SyncDatasets) -> None:
    with pytest.raises(NotFoundError, match=r"project is named 'defualt'.*'default'"):
        datasets.create("a", [{"a": 1}], project="defualt")


def test_a_taken_name_is_a_conflict(datasets: SyncDatasets) -> None:
    datasets.create("a", [{"a": 1}])
    with pytest.raises(ConflictError):
        datasets.create("a", [{"a": 1}])


def test_inserted_examples_get_ids_in_order(datasets: SyncDatasets) -> None:
    datasets.create("a", [{"i": 0}])
    ids = datasets.insert("a", [{"i": i} for i in range(1, 1500)])
    assert [example.id for example in datasets.examples("a")][1:] == ids


def test_examples_of_one_dataset_can_be_stored_as_another(datasets: SyncDatasets) -> None:
    datasets.create("a", [{"i": 0}, {"i": 1}])
    datasets.create("b", datasets.examples("a"))
    assert [dict(example.fields) for example in datasets.iterate_examples("b")] == [{"i": 0}, {"i": 1}]


def test_lists_walk_all_pages_and_a_page_is_one_request(datasets: SyncDatasets, server: MemoryServer) -> None:
    for i in range(150):
        datasets.create(f"n{i}", [{"a": 1}])
    assert len(datasets.list()) == 150
    assert len(list(datasets.iterate(name="n14"))) == 11
    server.requests.clear()
    page = datasets.list_page(limit=10)
    assert (len(page.items), page.has_more, len(server.requests)) == (10, True, 1)
    following = datasets.list_page(limit=10, cursor=page.next_cursor)
    assert following.items[0].name == "n139"


def test_a_limit_that_is_too_large_is_refused(datasets: SyncDatasets, server: MemoryServer) -> None:
    with pytest.raises(ValidationError, match="1 to 100"):
        datasets.list_page(limit=101)
    assert server.requests == []


def test_a_deleted_dataset_is_gone(datasets: SyncDatasets) -> None:
    datasets.create("a", [{"a": 1}])
    datasets.delete("a")
    with pytest.raises(NotFoundError):
        datasets.get("a")
