"""The order of what a search finds, over a real socket."""

from __future__ import annotations

import uuid

import httpx
import pytest

PROMPTS = "/v1/client/prompts"


@pytest.fixture(scope="module")
def word(client: httpx.Client) -> str:
    """A word, and prompts that have it in different places; the best matches are the oldest."""
    word = f"zq{uuid.uuid4().hex[:8]}"
    for slug, name, content in (
        (word, "exact slug", "1"),
        ("named", word.upper(), "2"),
        (f"{word}-more", "prefix", "3"),
        ("other", f"in the {word} name", "4"),
        ("text", "only text", f"has {word} inside"),
    ):
        slug = slug if word in slug else f"{slug}-{uuid.uuid4().hex[:6]}"
        name = name if word in name.lower() else f"{name} {uuid.uuid4().hex[:6]}"
        made = client.post(PROMPTS, json={"name": name, "slug": slug, "content": content})
        assert made.status_code == 201, made.text
    return word


def found(client: httpx.Client, **query: str) -> list[str]:
    answer = client.get(PROMPTS, params=query)
    assert answer.status_code == 200, answer.text
    return [item["content"][:1] for item in answer.json()["data"]["prompts"]]


def test_exact_names_come_first_then_beginnings_then_names_then_texts(client: httpx.Client, word: str) -> None:
    # Within a rank the newest is first.
    assert found(client, query=word) == ["2", "1", "3", "4", "h"]
    assert found(client, query=word.upper()) == ["2", "1", "3", "4", "h"]


def test_the_ranks_are_kept_over_pages(client: httpx.Client, word: str) -> None:
    pages = [found(client, query=word, limit="2", offset=str(offset)) for offset in (0, 2, 4)]
    assert pages == [["2", "1"], ["3", "4"], ["h"]]


def test_another_sort_is_kept(client: httpx.Client, word: str) -> None:
    assert found(client, query=word, sort_order="asc") == ["1", "2", "3", "4", "h"]
    assert found(client, query=word, sort_by="updated_at") == ["h", "4", "3", "2", "1"]


@pytest.mark.parametrize("query", ["%", "_", "\\", "%%", "zq________"])
def test_wildcards_are_plain_characters(client: httpx.Client, word: str, query: str) -> None:
    assert word
    assert found(client, query=query) == []
