from __future__ import annotations

import random
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from promptops.experiments import Evaluation, edit_similarity
from promptops.experiments.evaluators import distance
from promptops.models.datasets import DatasetExample

TEXTS = st.text(alphabet="abc\N{GRINNING FACE}\u0301", max_size=40)


def by_table(first: str, second: str) -> int:
    """The textbook's table."""
    row = list(range(len(second) + 1))
    for count, character in enumerate(first, 1):
        above, row[0] = row[0], count
        for place, other in enumerate(second, 1):
            above, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, above + (character != other))
    return row[-1]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("", "", 0),
        ("", "abc", 3),
        ("kitten", "sitting", 3),
        ("flaw", "lawn", 2),
        ("same", "same", 0),
        ("ab", "ba", 2),
        ("xaby", "xbay", 2),
        ("intention", "execution", 5),
    ],
)
def test_known_distances(first: str, second: str, expected: int) -> None:
    assert distance(first, second) == expected


@given(TEXTS, TEXTS)
def test_the_distance_is_that_of_the_table(first: str, second: str) -> None:
    assert distance(first, second) == by_table(first, second)


@given(st.text(max_size=150), st.text(max_size=150))
def test_the_distance_is_that_of_the_table_over_all_of_unicode(first: str, second: str) -> None:
    assert distance(first, second) == by_table(first, second)


@given(TEXTS, TEXTS, TEXTS)
def test_it_is_a_metric(first: str, second: str, third: str) -> None:
    assert distance(first, second) == distance(second, first)
    assert (distance(first, second) == 0) == (first == second)
    assert distance(first, third) <= distance(first, second) + distance(second, third)


def scored(output: str, expected: str, **options: Any) -> Evaluation:
    found = edit_similarity(**options).evaluate(output, DatasetExample(id="e", fields={"expected": expected}))
    assert isinstance(found, Evaluation)
    return found


@given(st.text(max_size=20), st.text(max_size=20))
def test_similarity_is_between_0_and_1(first: str, second: str) -> None:
    score = scored(first, second).score
    assert score is not None
    assert 0 <= score <= 1


def test_similarity_is_a_share_of_the_longer_text() -> None:
    assert scored("kitten", "sitting").score == pytest.approx(1 - 3 / 7)
    assert scored("", "").score == 1
    assert scored("abc", "").score == 0


@pytest.mark.parametrize("alphabet", ["ab", "".join(map(chr, range(0x4E00, 0x4E00 + 10_000)))], ids=["two", "many"])
def test_the_longest_texts_take_bounded_time(alphabet: str) -> None:
    chosen = random.Random(5)
    first, second = ("".join(chosen.choices(alphabet, k=10_000)) for _ in range(2))
    best = 1e9
    for _ in range(3):
        started = time.thread_time()
        distance(first, second)
        best = min(best, time.thread_time() - started)
    # About 40 ms on an idle machine; a table of 100 million cells takes tens of seconds.
    assert best < 0.5


def test_a_longer_text_is_an_error_rather_than_a_long_wait() -> None:
    started = time.thread_time()
    with pytest.raises(ValueError, match="the output has 200,000 characters to compare, more than the 10,000"):
        scored("a" * 200_000, "b" * 10)
    with pytest.raises(ValueError, match="'expected' has 11 characters"):
        scored("b", "a" * 11, max_characters=10)
    assert time.thread_time() - started < 0.5


def test_what_both_share_at_the_ends_costs_nothing() -> None:
    shared = "long " * 100_000
    assert scored(f"{shared}one{shared}", f"{shared}two{shared}").explanation == "3 edits"
    assert scored(shared * 10, shared * 10).score == 1
