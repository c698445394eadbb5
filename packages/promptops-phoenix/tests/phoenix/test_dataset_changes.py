"""What is new, different and gone is known before anything is sent; rows carry ids that make repeating harmless."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from promptops.core.errors import ValidationError
from promptops.experiments._examples import checked_examples
from promptops.experiments.datasets import RowsError
from promptops.experiments.datasets._spool import Spool
from promptops.phoenix._generated import models as wire
from promptops.phoenix.datasets._changes import Difference, Known, difference_of, every_row, merge_into
from promptops.phoenix.datasets._columns import Columns, column_lines
from promptops.phoenix.datasets._examples import parts_of
from promptops.phoenix.datasets._rows import ContentIds, body_of, digest_of, row_lines, row_of

WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def known(*examples: Mapping[str, Any], ids: Iterable[str] = ()) -> Known:
    own = list(ids) or [f"node{number}" for number in range(len(examples))]
    found: list[wire.DatasetExample] = []
    for number, fields in enumerate(examples):
        parts = parts_of(fields)
        found.append(
            wire.DatasetExample(
                id=own[number],
                node_id=f"node{number}",
                input=parts.input,
                output=parts.output,
                metadata=parts.metadata,
                updated_at=WHEN,
            )
        )
    return Known(found)


@pytest.fixture
def compare() -> Iterator[Any]:
    """Compares examples, and closes what holds the rows."""
    spools: list[Spool | Difference] = []

    def compared(there: Known, examples: list[dict[str, Any]], *, id_column: str | None = None, **how: Any) -> Any:
        given = Spool.of(checked_examples(examples, id_column=id_column))
        spools.append(given)
        found = difference_of(there, given, **how) if how else merge_into(there, given)
        spools.append(found)
        return found

    yield compared
    for spool in spools:
        spool.close()


def sent(spool: Spool) -> list[tuple[str, Any, list[str] | None]]:
    rows = [row_of(line) for part in spool.parts() for line in part]
    return [(row.id, msgspec.json.decode(row.input), row.splits) for row in rows]


def counts(found: Difference) -> tuple[int, int, int]:
    return found.inserted, found.updated, found.unchanged


def test_an_id_names_the_example_and_the_content_names_one_without(compare: Any) -> None:
    there = known({"n": 1}, {"n": 2}, {"n": 2}, ids=["a", "b", "node2"])
    rows = [{"id": "a", "n": 1}, {"id": "node1", "n": 3}, {"id": "new", "n": 9}]
    found = compare(there, rows, id_column="id", every_copy=False)
    assert counts(found) == (1, 1, 1)
    assert sent(found.rows) == [("b", {"n": 3}, None), ("new", {"n": 9}, None)]
    found = compare(there, [{"n": 2}, {"n": 2}, {"n": 2}, {"n": 5}, {"n": 5}], every_copy=False)
    assert counts(found) == (1, 0, 4)


def test_when_every_copy_counts_each_needs_one_of_its_own(compare: Any) -> None:
    there = known({"n": 2}, {"n": 2}, {"n": 3}, ids=["a", "b", "c"])
    found = compare(there, [{"n": 2}, {"n": 2}, {"n": 2}], every_copy=True)
    assert (counts(found), found.kept) == ((1, 0, 2), {0, 1})
    everything = [row_of(line).id for line in every_row(there, found)]
    assert everything[:2] == ["a", "b"]
    assert len(everything) == 3


def test_an_example_named_by_its_id_is_not_taken_for_another_of_its_content() -> None:
    there = known({"n": 1}, {"n": 1}, ids=["a", "b"])
    rows: list[dict[str, Any]] = [{"n": 1}, {"id": "a", "n": 7}]
    given = Spool.of(line for one in rows for line in checked_examples([one], id_column="id" if "id" in one else None))
    with given:
        found = difference_of(there, given, every_copy=True)
    assert (counts(found), found.kept, found.different) == ((0, 1, 1), {0, 1}, {0})
    found.close()


def test_the_same_example_given_twice_is_refused(compare: Any) -> None:
    there = known({"n": 1}, ids=["a"])
    for how in ({"every_copy": True}, {}):
        with pytest.raises(ValidationError, match=r"examples\[1\].id: 'node0' names an example that was given before"):
            compare(there, [{"id": "a", "n": 1}, {"id": "node0", "n": 2}], id_column="id", **how)


def test_fields_that_are_not_named_stay_and_unknown_ids_are_all_named(compare: Any) -> None:
    there = known({"n": 1, "more": {"x": 1}, "expected": "y"}, ids=["a"])
    found = compare(there, [{"id": "a", "n": 2}], id_column="id")
    assert (counts(found), sent(found.rows)) == ((0, 1, 0), [("a", {"n": 2, "more": {"x": 1}}, None)])
    with pytest.raises(ValidationError, match=r"'x'.* and 1 more; nothing was changed") as caught:
        compare(there, [{"id": "x", "n": 2}, {"id": "a", "n": 2}, {"id": "y", "n": 2}], id_column="id")
    assert [problem["field"] for problem in caught.value.validation_errors] == ["examples[0].id", "examples[2].id"]


def test_rows_that_name_splits_travel_apart_from_the_others(compare: Any) -> None:
    there = known({"n": 1, "split": "a"}, {"n": 2}, {"n": 3, "split": "a"}, ids=["x", "y", "z"])
    rows = [
        {"id": "x", "n": 10, "split": "a"},
        {"id": "y", "n": 20},
        {"id": "z", "n": 3, "split": "b"},
        {"id": "new", "n": 4, "split": "c"},
    ]
    found = compare(there, rows, id_column="id", every_copy=False)
    assert [splits for _, _, splits in sent(found.rows)] == [None] * 4
    assert [(own, splits) for own, _, splits in sent(found.splits)] == [("z", ["b"]), ("new", ["c"])]


def test_splits_are_not_mentioned_where_no_row_has_one() -> None:
    plain = [msgspec.json.encode((f"e{n}", {"n": n}, {}, {}, None, None)) for n in range(2)]
    assert msgspec.json.decode(body_of("append", "d", plain)) == {
        "action": "append",
        "name": "d",
        "inputs": [{"n": 0}, {"n": 1}],
        "outputs": [{}, {}],
        "metadata": [{}, {}],
        "example_ids": ["e0", "e1"],
    }
    split = [*plain, msgspec.json.encode(("e2", {}, {}, {}, ["a"], "span"))]
    body = msgspec.json.decode(body_of("create", "d", split, "why"))
    assert (body["splits"], body["span_ids"]) == ([None, None, ["a"]], [None, None, "span"])
    assert body["description"] == "why"


def test_ids_made_of_content_are_the_same_again_and_copies_are_numbered() -> None:
    rows = [{"n": 1}, {"n": 1}, {"b": 1, "a": 2}, {"a": 2, "b": 1}]
    first, again = ([row_of(line).id for line in row_lines(rows, ContentIds())] for _ in range(2))
    assert first == again
    assert len(set(first)) == 4
    assert first[1] == f"{first[0]}-2"
    assert first[3] == f"{first[2]}-2"
    fresh = [row_of(line).id for _ in range(2) for line in row_lines(rows, ContentIds.fresh())]
    assert len({*first, *fresh}) == 12


def test_an_id_that_is_taken_is_not_given() -> None:
    digest = digest_of({"n": 1})
    taken = ContentIds()(digest)
    assert ContentIds(taken={taken})(digest) == f"{taken}-2"


def test_columns_are_checked_all_at_once() -> None:
    wrong: list[Any] = [{"ok": 1}, [1], {"n": float("nan")}, {"n": 2**64}, {"s": 1}, {"i": 1}]
    columns = Columns(inputs=wrong, splits=[None, None, None, None, " x", None], example_ids=[None] * 5 + [""])
    with pytest.raises(RowsError) as caught:
        list(column_lines(columns, ContentIds()))
    assert [problem["field"] for problem in caught.value.validation_errors] == [f"rows[{n}]" for n in range(1, 6)]
    uneven = Columns(inputs=[{}], outputs=[{}], splits=["a", "b"], example_ids=[])
    with pytest.raises(ValidationError, match="inputs has 1 rows, but splits has 2, example_ids has 0"):
        list(column_lines(uneven, ContentIds()))


@pytest.mark.parametrize("value", [1, "\ud800"], ids=["number", "lone surrogate"])
@pytest.mark.parametrize("column", ["example_ids", "splits", "span_ids"])
def test_what_is_no_text_is_refused_with_its_row(column: str, value: Any) -> None:
    columns: dict[str, Any] = {"inputs": [{"n": 1}, {"n": 2}], column: [None, value]}
    with pytest.raises(RowsError) as caught:
        list(column_lines(Columns(**columns), ContentIds()))
    assert [problem["field"] for problem in caught.value.validation_errors] == ["rows[1]"]


@pytest.mark.parametrize("column", ["example_ids", "splits", "span_ids"])
def test_a_text_is_no_column(column: str) -> None:
    """Each of its characters would be the value of a row."""
    columns: dict[str, Any] = {"inputs": [{"n": 1}, {"n": 2}], column: "ab"}
    with pytest.raises(ValidationError, match=f"{column} must be a list"):
        list(column_lines(Columns(**columns), ContentIds()))
