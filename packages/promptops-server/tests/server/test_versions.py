from __future__ import annotations

import random
from typing import Literal

import pytest
from promptops.core.errors import ValidationError
from promptops.server.versions import bump, normalise, sort_key

ORDERED = [
    "0.0.0-0",
    "1.0.0-0",
    "1.0.0-2",
    "1.0.0-10",
    "1.0.0--",
    "1.0.0-a",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-alpha-1",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "9.0.0-rc.1",
    "0.0.0",
    "0.0.9",
    "0.0.10",
    "1.0.0",
    "1.9.0",
    "1.10.0",
    "2.0.0",
    "10.0.0",
    "123456789012345678901234567890.0.0",
]
"""By SemVer, every prerelease below every release."""


def test_keys_sort_as_versions_do() -> None:
    shuffled = ORDERED.copy()
    random.Random(7).shuffle(shuffled)
    assert sorted(shuffled, key=sort_key) == ORDERED
    assert len({sort_key(version) for version in ORDERED}) == len(ORDERED)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("1.2.3", "1.2.3"),
        ("v1.2.0", "1.2.0"),
        ("V2", "2.0.0"),
        ("1", "1.0.0"),
        ("v1.0", "1.0.0"),
        ("1.0-rc.1", "1.0.0-rc.1"),
        ("2.0.0-x-y.7", "2.0.0-x-y.7"),
        ("latest", None),
        (None, None),
    ],
)
def test_versions_are_read_as_people_write_them(given: str | None, meant: str | None) -> None:
    assert normalise(given) == meant


@pytest.mark.parametrize(
    "given",
    ["", "x", "1.2.3.4", "01.0.0", "1.0.0-01", "1.0.0+build", "1.0.0-", "1..0", "-1", "1.0.0-ä", "٣.0.0", "1" * 65],
)
def test_what_is_no_version_is_refused_by_name(given: str) -> None:
    with pytest.raises(ValidationError) as caught:
        normalise(given)
    assert caught.value.validation_errors[0]["field"] == "version"


@pytest.mark.parametrize(
    ("version", "level", "following"),
    [
        ("1.2.3", "patch", "1.2.4"),
        ("1.2.3", "minor", "1.3.0"),
        ("1.2.3", "major", "2.0.0"),
        ("1.9.9", "patch", "1.9.10"),
        ("2.0.0-rc.1", "patch", "2.0.0"),
        ("2.0.0-rc.1", "major", "2.0.0"),
        ("2.1.0-rc.1", "major", "3.0.0"),
        ("2.1.0-rc.1", "minor", "2.1.0"),
        ("2.1.1-rc.1", "minor", "2.2.0"),
    ],
)
def test_the_next_version(version: str, level: Literal["patch", "minor", "major"], following: str) -> None:
    assert bump(version, level) == following
