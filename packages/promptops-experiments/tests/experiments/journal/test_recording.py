"""A recorded run is replayed per repetition, without its secrets, and says by name what it does not hold."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from promptops.core.errors import NotFoundError, ValidationError
from promptops.experiments.journal import (
    Replay,
    ReplayedError,
    UnitRecord,
    fingerprint_of,
    write_recording,
)
from promptops.models.datasets import DatasetExample

Make = Callable[..., UnitRecord]

SECRETS = [
    "sk-proj-abcdefghijklmnopqrstuvwx",
    "AKIAABCDEFGHIJKLMNOP",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "Bearer abcdefgh.ijklmnop",
    "postgres://me:hunter2@db/x",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijklmno",
    "my own secret",
]


def example(number: int, **fields: Any) -> DatasetExample:
    return DatasetExample(id=f"ex-{number}", fields=fields or {"question": number})


def inputs(*numbers: int) -> dict[str, str]:
    return dict(fingerprint_of(len, examples=[example(number) for number in numbers]).examples)


def test_each_repetition_is_replayed(tmp_path: Path, make_unit: Make) -> None:
    units = [make_unit(1, 1, output='"one"', cost=0.5), make_unit(1, 2, output='{"two": 2}'), make_unit(2, output=None)]
    summary = write_recording(tmp_path / "run.jsonl", units, inputs=inputs(1, 2))
    replay = Replay(tmp_path / "run.jsonl")
    assert (summary.outputs, summary.left_out, len(replay)) == (3, 0, 3)
    assert [replay(example(1)), replay(example(1), repetition=2)] == ["one", {"two": 2}]
    assert replay.entry(example(1)).cost == 0.5
    with pytest.raises(ReplayedError, match="it broke"):
        replay(example(2))


def test_missing_entry_is_named(tmp_path: Path, make_unit: Make) -> None:
    write_recording(tmp_path / "run.jsonl", [make_unit(1)])
    with pytest.raises(NotFoundError, match="example ex-1, repetition 2"):
        Replay(tmp_path / "run.jsonl")(example(1), repetition=2)


def test_output_of_another_content_is_refused_and_of_a_renamed_example_found(tmp_path: Path, make_unit: Make) -> None:
    write_recording(tmp_path / "run.jsonl", [make_unit(1, output='"one"')], inputs=inputs(1))
    replay = Replay(tmp_path / "run.jsonl")
    with pytest.raises(ValidationError, match="another content"):
        replay(example(1, question="changed"))
    assert replay(DatasetExample(id="elsewhere", fields={"question": 1})) == "one"


@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_are_not_in_the_file(tmp_path: Path, make_unit: Make, secret: str) -> None:
    path = tmp_path / "run.jsonl"
    outputs = [f"text {secret} more", {"deep": [{"key": secret}], secret: 1}, {"api_key": "plain"}]
    units = [make_unit(number, output=msgspec.json.encode(value).decode()) for number, value in enumerate(outputs)]
    units.append(make_unit(9, output=None, error=f"failed with {secret}"))
    write_recording(path, units, secrets=["my own secret"])
    text = path.read_text()
    assert "plain" not in text
    for part in (secret, "hunter2", "abcdefgh.ijklmnop"):
        assert part not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_redactor_runs_first_and_when_it_breaks_nothing_is_written_of_that_output(
    tmp_path: Path, make_unit: Make
) -> None:
    def redactor(value: Any) -> Any:
        if value == "bad":
            raise RuntimeError("no")
        return value.replace("name", "someone")

    units = [make_unit(1, output='"my name"'), make_unit(2, output='"bad"')]
    summary = write_recording(tmp_path / "run.jsonl", units, redactor=redactor)
    replay = Replay(tmp_path / "run.jsonl")
    assert replay(example(1)) == "my someone"
    assert summary.left_out == 1
    assert "bad" not in (tmp_path / "run.jsonl").read_text()
    with pytest.raises(NotFoundError, match="secrets could not be removed"):
        replay(example(2))


def test_size_is_bounded(tmp_path: Path, make_unit: Make) -> None:
    path = tmp_path / "run.jsonl"
    units = [make_unit(1, output=f'"{"x" * 5000}"'), make_unit(2)]
    assert write_recording(path, units, largest_output=1000).left_out == 1
    with pytest.raises(NotFoundError, match="too large"):
        Replay(path)(example(1))
    before = path.read_bytes()
    with pytest.raises(ValidationError, match="largest_file=2000"):
        write_recording(path, units, largest_file=2000)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["run.jsonl"]


@pytest.mark.parametrize("text", ["", "nothing\n", '{"kind":"promptops.recording"}\n{"example_id":1}\n'])
def test_other_file_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(text)
    with pytest.raises(ValidationError, match=r"run\.jsonl"):
        Replay(path)


def test_replay_is_told_apart_by_its_file(tmp_path: Path, make_unit: Make) -> None:
    digests: list[str] = []
    for name, output in (("a", '"1"'), ("b", '"2"'), ("c", '"1"')):
        write_recording(tmp_path / name, [make_unit(1, output=output)])
        digests.append(fingerprint_of(Replay(tmp_path / name)).task)
    assert digests[0] == digests[2] != digests[1]
