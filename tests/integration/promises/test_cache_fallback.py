"""T04: what the caller wants instead of an error comes back as it was given, whatever the outage looks like."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from promptops.cache import CacheConfig
from promptops.core import PromptOpsError, ValidationError
from promptops.core.testing.outages import Outage

Open = Callable[..., Any]
TIMEOUT = 0.5
TEMPLATE = "Hello {{who}}"


def test_value_comes_back_as_given(outage: Outage, open_client: Open, names: tuple[str, ...]) -> None:
    client = open_client(outage.url, api_key="any", verify=outage.verify, timeout=TIMEOUT)
    outage.begin()
    empty: list[str] = []
    assert client.get(names[0], fallback="") == ""
    assert client.get(names[1], fallback=empty) is empty
    assert client.get(names[2], fallback=None) is None
    assert client.get(names[3], fallback=TEMPLATE) is TEMPLATE
    assert client.render(names[4], {"who": "Ada"}, fallback=TEMPLATE).rendered_content == "Hello Ada"
    assert client.render(names[4], {"who": "Ada"}, fallback="").rendered_content == ""
    read = client.read(names[5], fallback="")
    assert (read.prompt, read.source, read.stale, read.cache_hit) == ("", "fallback", True, False)


def test_function_is_called_with_the_error(outage: Outage, open_blocking: Open, names: tuple[str, ...]) -> None:
    client = open_blocking(outage.url, api_key="any", verify=outage.verify, timeout=TIMEOUT)
    outage.begin()
    seen: list[Exception] = []

    def instead(error: Exception) -> str:
        seen.append(error)
        return ""

    assert client.get(names[0], fallback=instead) == ""
    assert client.get(names[0], fallback=seen.append) is None
    assert isinstance(seen[0], PromptOpsError)


def test_trio_gets_it_too(lose: Callable[[str], Outage], open_any: Open, names: tuple[str, ...]) -> None:
    outage = lose("truncated JSON")
    client = open_any(outage.url, timeout=TIMEOUT)
    outage.begin()
    assert client.get(names[0], fallback=None) is None
    assert client.get("nobody", fallback="") == ""


def test_missing_prompt_is_a_reason_as_well(lose: Callable[[str], Outage], open_client: Open) -> None:
    client = open_client(lose("refused").url)
    assert client.get("nobody", fallback="") == ""
    assert client.get("nobody", use_cache=False, fallback=None) is None


def test_what_is_cached_comes_before_the_fallback(outage: Outage, open_blocking: Open, names: tuple[str, ...]) -> None:
    client = open_blocking(outage.url, api_key="any", verify=outage.verify, cache=CacheConfig(ttl=0.05))
    prompt = client.get(names[0])
    outage.begin()
    time.sleep(0.1)
    read = client.read(names[0], fallback="")
    assert (read.prompt, read.source, read.stale) == (prompt, "memory", True)


def test_mistake_of_the_caller_is_not_hidden(lose: Callable[[str], Outage], open_client: Open) -> None:
    client = open_client(lose("refused").url)
    with pytest.raises(ValidationError):
        client.get("", fallback="")


def test_control_without_one_the_error_is_raised(outage: Outage, open_client: Open, names: tuple[str, ...]) -> None:
    client = open_client(outage.url, api_key="any", verify=outage.verify, timeout=TIMEOUT)
    outage.begin()
    with pytest.raises(PromptOpsError):
        client.get(names[0])
