from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from promptops.core import ConfigurationError
from promptops.core.signing import canonical_query, key_id_of, new_nonce, sign, timestamp

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "signing_vectors.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_published_vectors(vector: dict[str, Any]) -> None:
    headers = dict(
        sign(
            secret=vector["secret"],
            key_id=vector["key_id"],
            method=vector["method"],
            host=vector["host"],
            path=vector["path"],
            query=[(name, value) for name, value in vector["query"]],
            body=vector["body"].encode(),
            at=vector["timestamp"],
            nonce=vector["nonce"],
        )
    )
    # The oracle is independent of the code under test: the nine lines are in the file.
    expected = hmac.new(vector["secret"].encode(), "\n".join(vector["lines"]).encode(), hashlib.sha256).hexdigest()
    assert vector["signature"] == f"v2={expected}"
    assert headers == {
        "x-promptops-timestamp": vector["timestamp"],
        "x-promptops-nonce": vector["nonce"],
        "x-promptops-signature": vector["signature"],
    }


def test_query_is_sorted_by_name_then_value_after_encoding() -> None:
    pairs = [("b", "2"), ("a", "z"), ("a", "A b"), ("ä", "1"), ("a-b", "~.")]
    assert canonical_query(pairs) == "%C3%A4=1&a=A%20b&a=z&a-b=~.&b=2"
    assert canonical_query([]) == ""


def test_timestamp_is_utc_with_a_z() -> None:
    assert timestamp(1_700_000_000.9) == "2023-11-14T22:13:20Z"


def test_nonces_are_128_bits_and_differ() -> None:
    nonces = {new_nonce() for _ in range(1000)}
    assert len(nonces) == 1000
    assert all(len(bytes.fromhex(nonce)) == 16 for nonce in nonces)


def test_key_id_comes_from_the_key_or_must_be_given() -> None:
    assert key_id_of("po_live_abcdefghijkl_" + "s" * 43 + "_abc123", None) == "abcdefghijkl"
    assert key_id_of("whatever", "given") == "given"
    for key in (None, "opaque", "a_b_c"):
        with pytest.raises(ConfigurationError, match="key_id"):
            key_id_of(key, None)
