"""Numbers and random text in base 62, whose digits need no escaping anywhere."""

from __future__ import annotations

import os
from typing import Final

__all__ = ["ALPHABET", "decode", "encode", "token"]

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def encode(number: int, width: int) -> str:
    """The number in base 62, padded on the left."""
    digits: list[str] = []
    while number:
        number, digit = divmod(number, 62)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits)).rjust(width, "0")


def decode(text: str) -> int:
    """The number that :func:`encode` was given."""
    number = 0
    for character in text:
        number = number * 62 + ALPHABET.index(character)
    return number


def token(length: int) -> str:
    """Random text for names; a byte modulo 62 is slightly uneven, which does not matter where nothing is secret."""
    return "".join(ALPHABET[byte % 62] for byte in os.urandom(length))
