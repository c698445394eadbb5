"""Keys: no two lists of parts share one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from promptops.cache import cache_key, cache_key_prefix

parts = st.lists(st.text(alphabet="a:%2357A", max_size=5) | st.text(max_size=5), min_size=1, max_size=4)


@given(parts, parts)
def test_different_parts_give_different_keys(first: list[str], second: list[str]) -> None:
    assert (cache_key(*first) == cache_key(*second)) == (first == second)


@given(parts, parts)
def test_a_prefix_matches_exactly_the_keys_below_it(first: list[str], second: list[str]) -> None:
    below = len(second) > len(first) and second[: len(first)] == first
    assert cache_key(*second).startswith(cache_key_prefix(*first)) == below


def test_a_separator_within_a_part_is_not_a_separator() -> None:
    assert cache_key("a:b", "c") != cache_key("a", "b:c")
