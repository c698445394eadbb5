"""Splits: deterministic, in proportion, and stable when examples are added."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from promptops.core.errors import ValidationError
from promptops.experiments.datasets import SPLIT, Splitter, in_split, split_of
from promptops.models.datasets import DatasetExample


def example(number: int, **fields: object) -> DatasetExample:
    return DatasetExample(id=f"e{number}", fields={"n": number, **fields})


def test_the_shares_are_kept_and_the_rest_is_in_no_split() -> None:
    splitter = Splitter({"train": 0.6, "test": 0.3})
    counts = Counter(splitter(example(number)) for number in range(10_000))
    assert counts["train"] == pytest.approx(6000, abs=200)
    assert counts["test"] == pytest.approx(3000, abs=200)
    assert counts[None] == pytest.approx(1000, abs=120)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(seed=st.integers(), numbers=st.lists(st.integers(), unique=True, min_size=1, max_size=50))
def test_an_assignment_depends_on_seed_and_id_alone(seed: int, numbers: list[int]) -> None:
    shares = {"train": 0.8, "test": 0.2}
    alone = {number: Splitter(shares, seed=seed)(example(number)) for number in numbers}
    splitter = Splitter(shares, seed=seed)
    assert {number: splitter(example(number, other="x")) for number in reversed(numbers)} == alone
    assert set(alone.values()) <= {"train", "test"}


def test_another_seed_is_another_assignment() -> None:
    shares = {"train": 0.5, "test": 0.5}
    first, second = (Splitter(shares, seed=seed) for seed in (0, 1))
    assert sum(first(example(n)) != second(example(n)) for n in range(1000)) == pytest.approx(500, abs=60)


def test_examples_with_the_same_value_stay_together() -> None:
    splitter = Splitter({"train": 0.5, "test": 0.5}, by="user")
    found = {user: {splitter(example(n, user=user)) for n in range(20)} for user in ("ada", "bob", "eve", "zoe")}
    assert all(len(splits) == 1 for splits in found.values())
    with pytest.raises(ValidationError, match="no field 'user'"):
        splitter(example(1))


@pytest.mark.parametrize(
    ("shares", "reason"),
    [
        ({}, "at least one split"),
        ({"a": 0.0}, "above 0"),
        ({"a": -1.0}, "above 0"),
        ({"a": float("nan")}, "above 0"),
        ({"a": 0.8, "b": 0.3}, "at most 1"),
        ({" ": 1.0}, "1 to 255"),
        ({"x" * 256: 1.0}, "1 to 255"),
    ],
)
def test_what_are_no_shares_is_refused(shares: dict[str, float], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Splitter(shares)


def test_shares_that_add_up_to_one_leave_nothing_over() -> None:
    splitter = Splitter({str(number): 0.1 for number in range(10)})
    assert all(splitter(example(number)) is not None for number in range(5000))


def test_what_was_assigned_counts_before_the_own_field() -> None:
    own, assigned = example(1, split="dev"), example(2, split="dev", **{SPLIT: "test"})
    assert (split_of(own), split_of(assigned), split_of(example(3)), split_of({"split": 7})) == (
        "dev",
        "test",
        None,
        None,
    )
    assert list(in_split([own, assigned], "test")) == [assigned]
    assert list(in_split([own, assigned], None)) == [own, assigned]
