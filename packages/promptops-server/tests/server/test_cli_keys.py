"""The options of ``promptops keys create``."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from promptops.server import wire
from promptops.server.cli import keys
from promptops.server.key_admin import list_keys
from promptops.server.keys import public_id_of
from promptops.server.settings import load_pepper


def create(directory: Path, *options: str) -> list[str]:
    done = CliRunner().invoke(keys, ["create", "--name", "k", *options, "--data-dir", str(directory)])
    assert done.exit_code == 0, done.output
    return done.stdout.split()


def test_the_key_alone_is_printed_unless_it_is_to_sign(tmp_path: Path) -> None:
    (text,) = create(tmp_path)
    assert public_id_of(text) is not None


@pytest.mark.parametrize(("option", "required"), [("--signing", False), ("--require-signature", True)])
def test_the_secret_key_is_the_second_line(tmp_path: Path, option: str, required: bool) -> None:
    text, secret = create(tmp_path, option)
    public_id = public_id_of(text)
    assert public_id is not None
    assert secret == load_pepper(tmp_path).signing_secret(public_id)
    (facts,) = list_keys(tmp_path)
    assert facts.require_signature is required


def test_limits_are_stored_and_listed(tmp_path: Path) -> None:
    create(tmp_path, "--per-minute", "7", "--per-hour", "8", "--per-day", "9", "--rate", "10")
    (facts,) = list_keys(tmp_path)
    assert facts.limits == wire.KeyLimits(per_minute=7, per_hour=8, per_day=9, rate=10)
    listed = CliRunner().invoke(keys, ["list", "--data-dir", str(tmp_path)]).output
    assert "per_minute=7  per_hour=8  per_day=9  rate=10" in listed


@pytest.mark.parametrize("option", ["--per-minute", "--per-hour", "--per-day", "--rate"])
@pytest.mark.parametrize("value", ["0", "-1", "many", "1000000001"])
def test_limits_that_make_no_sense_are_refused(tmp_path: Path, option: str, value: str) -> None:
    done = CliRunner().invoke(keys, ["create", "--name", "k", option, value, "--data-dir", str(tmp_path)])
    assert done.exit_code == 2
    assert option in done.output
    assert list_keys(tmp_path) == []
