from __future__ import annotations

import base64
from typing import get_args

import pytest
from promptops.server.ids import Kind, kind_of, new_id


@pytest.mark.parametrize("kind", get_args(Kind))
def test_an_id_is_standard_base64_of_its_kind_without_signs_that_need_escaping(kind: Kind) -> None:
    for _ in range(300):
        made = new_id(kind)
        assert made.isalnum()
        decoded = base64.b64decode(made, validate=True).decode()
        assert decoded.startswith(f"{kind}:1:")
        assert len(decoded) % 3 == 0
        assert len(decoded.rpartition(":")[2]) >= 16
        assert kind_of(made) == kind


def test_ids_are_never_the_same() -> None:
    assert len({new_id("Run") for _ in range(5000)}) == 5000


@pytest.mark.parametrize("text", ["", "x", "name", "ünicode", base64.b64encode(b"no colon").decode()])
def test_what_is_no_id_has_no_kind(text: str) -> None:
    assert kind_of(text) is None
