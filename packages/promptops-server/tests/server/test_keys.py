from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest
from promptops.core.errors import ConfigurationError
from promptops.server import base62
from promptops.server.keys import KEY_PATTERN, Pepper, new_key, public_id_of
from promptops.server.settings import load_pepper


def test_a_new_key_has_the_published_form_and_carries_its_public_id() -> None:
    for _ in range(200):
        key = new_key()
        assert re.fullmatch(KEY_PATTERN, key.text)
        assert public_id_of(key.text) == key.public_id


def test_keys_are_never_the_same() -> None:
    assert len({new_key().text for _ in range(500)}) == 500


def test_one_wrong_character_is_known_without_the_database() -> None:
    text = new_key().text
    for index in range(text.index("_sk_") + 4, len(text)):
        if text[index] != "_":
            wrong = text[:index] + ("A" if text[index] != "A" else "B") + text[index + 1 :]
            assert public_id_of(wrong) is None


@pytest.mark.parametrize("text", ["", "promptops_sk_", "Bearer x", "ünicode", "promptops_sk_" + "a" * 63, "\x00"])
def test_what_is_no_key_has_no_public_id(text: str) -> None:
    assert public_id_of(text) is None


def test_the_secret_is_in_no_repr() -> None:
    key = new_key()
    assert key.text not in repr(key)
    assert "0123456789abcdef0123" not in repr(Pepper(b"0123456789abcdef0123"))


def test_only_the_right_key_matches_its_hash() -> None:
    pepper, key = Pepper(os.urandom(32)), new_key().text
    stored = pepper.hash(key)
    assert len(stored) == 32
    assert pepper.matches(key, stored)
    assert not pepper.matches(new_key().text, stored)
    assert not pepper.matches(key, None)
    assert not Pepper(os.urandom(32)).matches(key, stored)


def test_derived_secrets_differ_by_purpose() -> None:
    pepper = Pepper(os.urandom(32))
    assert pepper.derive("a") != pepper.derive("b")


def test_base62_keeps_numbers() -> None:
    for number in (0, 1, 61, 62, 2**32 - 1, 2**256 - 1):
        assert base62.decode(base62.encode(number, 43)) == number
    assert len(base62.encode(2**256 - 1, 43)) == 43
    assert len(base62.encode(2**32 - 1, 6)) == 6


def test_the_pepper_is_made_once_and_only_its_owner_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMPTOPS_PEPPER", raising=False)
    first, second = load_pepper(tmp_path), load_pepper(tmp_path)
    assert first.hash("x") == second.hash("x")
    assert stat.S_IMODE((tmp_path / "pepper").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["pepper"]


def test_the_pepper_of_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTOPS_PEPPER", "a pepper of the environment")
    assert load_pepper(tmp_path).id == Pepper(b"a pepper of the environment").id
    assert not (tmp_path / "pepper").exists()


def test_a_short_pepper_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTOPS_PEPPER", "short")
    with pytest.raises(ConfigurationError, match="PROMPTOPS_PEPPER"):
        load_pepper(tmp_path)
