"""Under which keys prompts lie in shared caches."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from promptops.core.config import RuntimeConfig
from promptops.prompts._addresses import Addresses

SERVER = "http://127.0.0.1:1"


def key(public: str = "a" * 12, secret: str = "s") -> str:
    return f"po_live_{public}_{secret * 43}_{'c' * 6}"


def addresses(
    base_url: str = SERVER,
    api_key: str | Callable[[], str] | None = None,
    *,
    key_id: str | None = None,
    http_client: object | None = None,
) -> Addresses:
    return Addresses(RuntimeConfig(base_url=base_url, api_key=api_key, key_id=key_id, http_client=http_client))


def test_nothing_that_differs_shares_a_key() -> None:
    parts = itertools.product(
        (addresses(), addresses(f"{SERVER}/prefix"), addresses("http://127.0.0.1:2")),
        (None, "p", "p:a", "k-open", ""),
        ("a", "a:b", "a%3Ab"),
        (None, "1.0.0", "@production"),
    )
    made = [where.key((project, name, which)) for where, project, name, which in parts]
    assert len(set(made)) == len(made) == 3 * 5 * 3 * 3


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (addresses(api_key=key()), addresses(api_key=key()), True),
        (addresses(api_key=key(secret="s")), addresses(api_key=key(secret="t")), True),
        (addresses(api_key=key("a" * 12)), addresses(api_key=key("b" * 12)), False),
        (addresses(api_key=key()), addresses(), False),
        (addresses(api_key="one-of-another-make"), addresses(api_key="two-of-another-make"), False),
        (addresses(api_key="any", key_id="id"), addresses(api_key="other", key_id="id"), True),
        (addresses(http_client=object()), addresses(http_client=object()), False),
    ],
)
def test_without_a_project_only_the_same_key_shares(one: Addresses, other: Addresses, same: bool) -> None:
    assert (one.key((None, "a", None)) == other.key((None, "a", None))) is same


def test_a_named_project_outlives_the_rotation_of_a_key() -> None:
    entry = ("p", "a", None)
    assert addresses(api_key=key("a" * 12)).key(entry) == addresses(api_key=key("b" * 12)).key(entry)


def test_neither_key_nor_public_id_is_in_an_address() -> None:
    made = addresses(api_key=key("PUBLICIDTEXT", "s")).key((None, "a", None))
    assert "PUBLICIDTEXT" not in made
    assert "sss" not in made


def test_a_function_that_gives_the_key_is_followed_and_may_fail() -> None:
    keys = iter([key("a" * 12), key("b" * 12)])

    def current() -> str:
        return next(keys)

    where = addresses(api_key=current)
    entry = (None, "a", None)
    first, second = where.key(entry), where.key(entry)
    assert first == addresses(api_key=key("a" * 12)).key(entry)
    assert second == addresses(api_key=key("b" * 12)).key(entry)
    assert where.key(entry) == second, "it failed: the last one known"


def test_versions_and_scopes_are_prefixes_of_their_keys_alone() -> None:
    where = addresses()
    entry = where.key(("p", "a", "1.0.0"))
    assert entry.startswith(where.versions("p", "a"))
    assert entry.startswith(where.everything(where.scope("p")))
    assert not where.key(("p", "ab", None)).startswith(where.versions("p", "a"))
    assert not where.key(("pp", "a", None)).startswith(where.everything(where.scope("p")))
