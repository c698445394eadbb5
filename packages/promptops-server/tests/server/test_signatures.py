"""Signatures against published vectors, the openssl command, virtual time and altered requests."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from promptops.core.errors import AuthenticationError
from promptops.core.signing import sign, string_to_sign, timestamp
from promptops.server.calls import Visit
from promptops.server.keys import Pepper
from promptops.server.signatures import Signatures
from promptops.server.stores.sqlite import SqliteStore

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[3] / "promptops-core/tests/core/signing_vectors.json").read_text()
)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
KEY_ID = "Ab3dEf6hIj9l"


class FixedPepper(Pepper):
    """Gives the secret of a vector."""

    def __init__(self, secret: str) -> None:
        super().__init__(b"x" * 32)
        self.fixed = secret

    def signing_secret(self, public_id: str) -> str:
        return self.fixed


class Nonces:
    """Remembers nonces in memory."""

    def __init__(self) -> None:
        self.used: set[tuple[str, str]] = set()

    async def use_nonce(self, key_id: str, nonce: str, *, at: int, oldest: int) -> bool:
        assert oldest < at
        fresh = (key_id, nonce) not in self.used
        self.used.add((key_id, nonce))
        return fresh


def visit_of(method: str, path: str, query: str, body: bytes) -> Visit:
    return Visit(
        family="v1",
        request_id="r",
        timestamp=datetime.now(UTC),
        method=method,
        path=path,
        query_string=query.encode(),
        body=body,
    )


def raw(headers: tuple[tuple[str, str], ...]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers]


def accept(
    signatures: Signatures, headers: list[tuple[bytes, bytes]], visit: Visit, host: str, key_id: str = KEY_ID
) -> None:
    presented = signatures.read(headers, required=True)
    assert presented is not None
    asyncio.run(signatures.check(presented, key_id=key_id, host=host, visit=visit))


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_server_accepts_the_published_vectors(vector: dict[str, Any]) -> None:
    at = datetime.fromisoformat(vector["timestamp"]).timestamp()
    signatures = Signatures(FixedPepper(vector["secret"]), Nonces(), wall=lambda: at)
    headers = [
        (b"x-promptops-timestamp", vector["timestamp"].encode()),
        (b"x-promptops-nonce", vector["nonce"].encode()),
        (b"x-promptops-signature", vector["signature"].encode()),
    ]
    visit = visit_of(
        vector["method"],
        vector["path"],
        urlencode([(name, value) for name, value in vector["query"]]),
        vector["body"].encode(),
    )
    accept(signatures, headers, visit, vector["host"], vector["key_id"])


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
@pytest.mark.parametrize("form", ["dgst -hmac", "dgst -mac", "mac"])
def test_openssl_gives_the_same_signatures(vector: dict[str, Any], form: str) -> None:
    openssl = shutil.which("openssl")
    assert openssl is not None, "the openssl command is needed to check the vectors"
    secret, message = vector["secret"], "\n".join(vector["lines"]).encode()
    command = {
        "dgst -hmac": [openssl, "dgst", "-sha256", "-hmac", secret],
        "dgst -mac": [openssl, "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{secret.encode().hex()}"],
        "mac": [openssl, "mac", "-digest", "SHA256", "-macopt", f"hexkey:{secret.encode().hex()}", "HMAC"],
    }[form]
    made = subprocess.run(command, input=message, capture_output=True, check=True).stdout.decode()
    assert f"v2={made.split()[-1].lower()}" == vector["signature"]


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_openssl_gives_the_digest_in_the_last_line(vector: dict[str, Any]) -> None:
    made = subprocess.run(
        ["openssl", "dgst", "-sha256"], input=vector["body"].encode(), capture_output=True, check=True
    )
    assert made.stdout.decode().split()[-1] == vector["lines"][-1]
    message = string_to_sign(
        at=vector["timestamp"],
        nonce=vector["nonce"],
        key_id=vector["key_id"],
        method=vector["method"],
        host=vector["host"],
        path=vector["path"],
        query=vector["lines"][7],
        body=vector["body"].encode(),
    )
    assert message.split("\n") == vector["lines"]


def signed(
    secret: str, *, at: float = NOW, nonce: str = "0" * 32, query: str = "", body: bytes = b""
) -> list[tuple[bytes, bytes]]:
    return raw(
        sign(
            secret=secret,
            key_id=KEY_ID,
            method="POST",
            host="h",
            path="/p",
            query=parse_qsl(query, keep_blank_values=True),
            body=body,
            at=timestamp(at),
            nonce=nonce,
        )
    )


@pytest.mark.parametrize("skew", [-299, -300, 0, 299, 300])
def test_a_skew_within_the_window_is_accepted(skew: int) -> None:
    signatures = Signatures(FixedPepper("s"), Nonces(), wall=lambda: NOW)
    accept(signatures, signed("s", at=NOW + skew), visit_of("POST", "/p", "", b""), "h")


@pytest.mark.parametrize("skew", [-86_400, -301, 301, 3600, 300_000])
def test_a_skew_beyond_the_window_is_refused_in_both_directions(skew: int) -> None:
    signatures = Signatures(FixedPepper("s"), Nonces(), wall=lambda: NOW)
    with pytest.raises(AuthenticationError, match="300 seconds"):
        signatures.read(signed("s", at=NOW + skew), required=False)


@pytest.mark.parametrize(
    "at",
    [
        "",
        "1767323045",
        "2026-01-02T03:04:05",
        "2026-01-02T03:04:05+00:00",
        "2026-01-02 03:04:05Z",
        "2026-13-02T03:04:05Z",
        "2026-01-02T03:04:05ZZ",
        "٢٠٢٦-01-02T03:04:05Z",
    ],
)
def test_a_timestamp_of_another_form_is_refused(at: str) -> None:
    signatures = Signatures(FixedPepper("s"), Nonces(), wall=lambda: NOW)
    headers = [(b"x-promptops-timestamp", at.encode("utf-8")), *signed("s")[1:]]
    with pytest.raises(AuthenticationError, match="malformed"):
        signatures.read(headers, required=False)


@pytest.mark.parametrize("left_out", range(3))
def test_an_incomplete_signature_is_refused_even_where_none_is_needed(left_out: int) -> None:
    signatures = Signatures(FixedPepper("s"), Nonces(), wall=lambda: NOW)
    headers = signed("s")
    for some in ([*headers[:left_out], *headers[left_out + 1 :]], [*headers, headers[left_out]]):
        with pytest.raises(AuthenticationError, match="incomplete or malformed"):
            signatures.read(some, required=False)


def test_no_signature_is_refused_only_where_one_is_needed() -> None:
    signatures = Signatures(FixedPepper("s"), Nonces(), wall=lambda: NOW)
    assert signatures.read([], required=False) is None
    with pytest.raises(AuthenticationError, match="signed requests only"):
        signatures.read([], required=True)


def test_none_of_2000_altered_requests_is_accepted() -> None:
    chance = random.Random(20261121)
    path, query = "/v1/client/prompts/a%2Fb/render", "project_id=p1&tags=a%20b&x="
    body = b'{"variables":{"name":"Zo\xc3\xab"},"version":"1.2.0"}'
    headers = dict(
        sign(
            secret="s",
            key_id=KEY_ID,
            method="POST",
            host="api.example:8765",
            path=path,
            query=parse_qsl(query, keep_blank_values=True),
            body=body,
            at=timestamp(NOW),
            nonce="0123456789abcdef" * 2,
        )
    )
    nonces = Nonces()
    signatures = Signatures(FixedPepper("s"), nonces, wall=lambda: NOW)
    original: dict[str, bytes] = {
        "method": b"POST",
        "path": path.encode(),
        "query": query.encode(),
        "body": body,
        "host": b"api.example:8765",
        "key": KEY_ID.encode(),
        **{name: value.encode() for name, value in headers.items()},
    }
    altered = refused = 0
    while altered < 2000:
        parts = dict(original)
        name = chance.choice(sorted(parts))
        value = bytearray(parts[name])
        at = chance.randrange(len(value))
        match chance.randrange(4):
            case 0:
                value[at] ^= 1 << chance.randrange(7)
            case 1:
                del value[at]
            case 2:
                value.insert(at, chance.randrange(33, 127))
            case _:
                other = chance.randrange(len(value))
                value[at], value[other] = value[other], value[at]
        parts[name] = bytes(value)
        if same_request(parts, original):
            continue
        altered += 1
        visit = Visit(
            family="v1",
            request_id="r",
            timestamp=datetime.now(UTC),
            method=parts["method"].decode("latin-1"),
            path=parts["path"].decode("latin-1"),
            query_string=parts["query"],
            body=parts["body"],
        )
        sent = [(name.encode(), parts[name]) for name in headers]
        try:
            accept(signatures, sent, visit, parts["host"].decode("latin-1"), parts["key"].decode("latin-1"))
        except AuthenticationError:
            refused += 1
    assert (altered, refused) == (2000, 2000)
    assert nonces.used == set()  # what does not match uses nothing up
    visit = visit_of("POST", path, query, body)
    accept(signatures, raw(tuple(headers.items())), visit, "api.example:8765")


def same_request(parts: dict[str, bytes], original: dict[str, bytes]) -> bool:
    """Whether only the spelling of the query changed, or the case of the method: that is the same request."""
    if {**parts, "query": b"", "method": parts["method"].upper()} != {**original, "query": b""}:
        return False
    try:
        given = parse_qsl(parts["query"].decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        return False
    return sorted(given) == sorted(parse_qsl(original["query"].decode(), keep_blank_values=True))


def test_an_altered_query_is_refused_whatever_its_spelling() -> None:
    signatures = Signatures(FixedPepper("s"), Nonces(), wall=lambda: NOW)
    headers = signed("s", query="a=1&b=2")
    for query in ("a=1", "a=1&b=3", "a=1&b=2&c", "a=1&b=2&b=2", "a=1;b=2", "a=1%26b=2", "a=%ff", "A=1&b=2"):
        with pytest.raises(AuthenticationError, match="does not match"):
            accept(signatures, headers, visit_of("POST", "/p", query, b""), "h")
    accept(signatures, headers, visit_of("POST", "/p", "b=2&a=%31", b""), "h")


@pytest.mark.anyio
async def test_a_nonce_is_good_once_for_each_key_also_after_a_restart(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    first, again, other = [
        await store.use_nonce(key, "n", at=1_000_000, oldest=0) for key in ("key", "key", "other key")
    ]
    assert (first, again, other) == (True, False, True)
    store.close()
    store = SqliteStore(tmp_path)
    assert not await store.use_nonce("key", "n", at=2_000_000, oldest=999_999)
    assert not await store.use_nonce("key", "n", at=2_000_000, oldest=1_000_000)
    assert await store.use_nonce("key", "n", at=700_000_000, oldest=1_000_001)  # its signature is long stale
    store.close()


@pytest.mark.anyio
async def test_of_50_concurrent_uses_of_a_nonce_exactly_one_counts(store: SqliteStore) -> None:
    used = await asyncio.gather(*(store.use_nonce("key", "n", at=1, oldest=0) for _ in range(50)))
    assert sorted(used) == [False] * 49 + [True]


def test_a_secret_key_is_stable_differs_by_key_and_by_pepper_and_is_found_by_scanners() -> None:
    pepper = Pepper(b"p" * 32)
    secret = pepper.signing_secret("Ab3dEf6hIj9l")
    assert secret == Pepper(b"p" * 32).signing_secret("Ab3dEf6hIj9l")
    assert secret.startswith("promptops_ss_Ab3dEf6hIj9l_")
    assert len(secret.split("_")[3]) == 43
    others = {Pepper(b"q" * 32).signing_secret("Ab3dEf6hIj9l"), pepper.signing_secret("Bb3dEf6hIj9l")}
    assert len({secret, *others}) == 3
