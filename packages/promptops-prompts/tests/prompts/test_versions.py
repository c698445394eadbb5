"""Versions as people write them."""

from __future__ import annotations

from typing import Any

import pytest
from promptops.core.errors import ValidationError
from promptops.prompts.versions import normalise_version


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        (None, None),
        ("latest", None),
        ("1", "1.0.0"),
        ("v1", "1.0.0"),
        ("1.0", "1.0.0"),
        ("v1.0", "1.0.0"),
        ("V1.2.3", "1.2.3"),
        ("1.10.0", "1.10.0"),
        ("0.0.0", "0.0.0"),
        ("1.0-rc.1", "1.0.0-rc.1"),
        ("v2.0.0-alpha-1.0+build.5", "2.0.0-alpha-1.0+build.5"),
    ],
)
def test_a_version_has_one_form(written: str | None, canonical: str | None) -> None:
    assert normalise_version(written) == canonical
    assert normalise_version(canonical) == canonical


@pytest.mark.parametrize(
    "written",
    ["", " 1", "1.0.0.0", "01.0", "1.00", "x", "v", "1.", ".1", "1.0.0-", "1.0.0-01", "1.0.0+", "-1", "1..0", "Latest",
     "1.0\n", "\u0661.\u0660", "1" * 200, "^1", "1.x"],
)  # fmt: skip
def test_what_is_no_version_is_refused(written: str) -> None:
    with pytest.raises(ValidationError, match="is not a version") as caught:
        normalise_version(written, field="new_version")
    assert caught.value.validation_errors[0]["field"] == "new_version"


@pytest.mark.parametrize("written", [1, 1.0, b"1.0", True])
def test_only_text_is_a_version(written: Any) -> None:
    with pytest.raises(ValidationError, match="expected text"):
        normalise_version(written)
