"""Encoded bodies come out whole, or not at all."""

from __future__ import annotations

import gzip
import zlib

import pytest
from promptops.core._transport._encoding import BodyDecoder
from promptops.core._transport._failures import ProtocolError

TEXT = b"The quick brown fox. " * 5000


def _bare_deflate(data: bytes) -> bytes:
    encoder = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return encoder.compress(data) + encoder.flush()


@pytest.mark.parametrize("step", [1, 100, 10_000_000])
@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        ("GZIP ", gzip.compress(TEXT[:5000]) + gzip.compress(TEXT[5000:])),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", _bare_deflate(TEXT)),
        ("identity", TEXT),
    ],
)
def test_body_is_decoded_however_it_arrives(encoding: str, data: bytes, step: int) -> None:
    decoder = BodyDecoder(encoding, limit=None)
    out = b"".join(decoder.feed(data[start : start + step]) for start in range(0, len(data), step))
    decoder.finish()
    assert out == TEXT


def test_large_body_is_decoded_whole() -> None:
    data = bytes(range(256)) * 20_000
    assert BodyDecoder("gzip", limit=None).feed(gzip.compress(data)) == data


def test_bomb_is_stopped_early() -> None:
    with pytest.raises(ProtocolError, match="larger than"):
        BodyDecoder("gzip", limit=1_000_000).feed(gzip.compress(bytes(200_000_000), 1))


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_cut_off_stream_is_an_error(encoding: str) -> None:
    data = gzip.compress(TEXT) if encoding == "gzip" else zlib.compress(TEXT)
    decoder = BodyDecoder(encoding, limit=None)
    decoder.feed(data[:-5])
    with pytest.raises(ProtocolError, match="cut off"):
        decoder.finish()


@pytest.mark.parametrize(("encoding", "data"), [("gzip", TEXT), ("deflate", b"\xff" * 100), ("gzip", b"\x00")])
def test_garbage_is_an_error(encoding: str, data: bytes) -> None:
    decoder = BodyDecoder(encoding, limit=None)

    def decode() -> None:
        decoder.feed(data)
        decoder.finish()

    with pytest.raises(ProtocolError):
        decode()


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip"])
def test_encoding_that_nobody_asked_for_is_named(encoding: str) -> None:
    with pytest.raises(ProtocolError, match=encoding):
        BodyDecoder(encoding, limit=None)
