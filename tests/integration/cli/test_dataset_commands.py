"""The commands about datasets against a running server: files in and out, changes, splits, validation."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from promptops.cli import main
from promptops.server import EmbeddedServer

Run = Callable[..., tuple[int, str, str]]
CSV = "key,question,n\na,why?,1\nb,how?,2\nc,who?,3\n"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as running:
        yield running


@pytest.fixture
def run(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    for variable in [name for name in os.environ if name.startswith("PROMPTOPS_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PROMPTOPS_BASE_URL", server.url)
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text(CSV, encoding="utf-8")
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}
    Path("schema.json").write_bytes(msgspec.json.encode(schema))

    def call(*arguments: str) -> tuple[int, str, str]:
        code = 0
        try:
            main(["datasets", *arguments])
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def name() -> str:
    return f"set-{uuid.uuid4().hex[:8]}"


def test_a_file_is_imported_with_ids_types_and_new_names(run: Run, name: str) -> None:
    options = ("--id-column", "key", "--column", "question=input", "--type", "n=int")
    assert run("import", "rows.csv", "--name", name, *options) == (0, f"imported {name}: 3 examples\n", "")
    shown = msgspec.json.decode(run("get", name, "--json")[1])
    assert shown["examples"][0] == {"id": "a", "input": "why?", "n": 1}
    code, _, err = run("import", "rows.csv", "--name", name)
    assert code == 5
    assert name in err


def test_an_export_is_read_back_and_nothing_changed(run: Run, name: str) -> None:
    run("import", "rows.csv", "--name", name, "--id-column", "key", "--schema", "schema.json")
    for ending in ("jsonl", "json", "parquet", "csv"):
        file = f"out.{ending}"
        assert run("export", name, file)[:2] == (0, f"exported 3 examples to {file}\n")
        typed = ("--type", "n=int") if ending == "csv" else ()
        code, out, _ = run("upsert", name, file, "--id-column", "id", *typed)
        assert (code, out) == (0, f"{name}: nothing changed; 3 examples\n")
    run("export", name, "plain.jsonl", "--no-ids")
    assert "id" not in msgspec.json.decode(Path("plain.jsonl").read_bytes().splitlines()[0])


def test_append_and_upsert_say_what_they_did(run: Run, name: str) -> None:
    run("import", "rows.csv", "--name", name, "--id-column", "key")
    Path("more.jsonl").write_text('{"key":"a","question":"why?","n":"1"}\n{"key":"z","n":"9"}\n', encoding="utf-8")
    code, out, _ = run("upsert", name, "more.jsonl", "--id-column", "key")
    assert (code, out) == (0, f"{name}: 1 inserted, 0 updated, 1 unchanged, 0 deleted; 4 examples\n")
    code, out, _ = run("append", name, "more.jsonl", "--json", "--column", "key=other")
    assert (code, msgspec.json.decode(out)["total"]) == (0, 6)
    code, _, err = run("append", name, "more.jsonl", "--id-column", "key")
    assert code == 4
    assert "a, z" in err


def test_a_replacement_is_shown_first_and_done_when_told_to(run: Run, name: str) -> None:
    run("import", "rows.csv", "--name", name, "--id-column", "key")
    Path("less.csv").write_text("key,question,n\nb,how?,2\nd,what?,4\n", encoding="utf-8")
    replace = ("replace", name, "less.csv", "--id-column", "key")
    told = "would give 2 examples: 1 inserted, 0 updated, 1 unchanged, 2 deleted; deletes a, c"
    assert run(*replace, "--dry-run") == (0, f"{name} {told}\n", "")
    code, out, err = run(*replace)
    assert (code, out) == (4, "")
    assert err == f"promptops: {name} {told}; nothing was changed\n  hint: --allow-delete 2 does it\n"
    assert "3 examples" in run("get", name)[1]
    code, out, _ = run(*replace, "--allow-delete", "2")
    assert (code, out) == (0, f"{name}: 1 inserted, 0 updated, 1 unchanged, 2 deleted; 2 examples\n")
    assert run("export", name, "first.jsonl", "--version", "v1")[1] == "exported 3 examples to first.jsonl\n"


def test_a_file_is_validated_and_every_wrong_row_named(run: Run, name: str) -> None:
    assert run("validate", "rows.csv", "--schema", "schema.json") == (0, "rows.csv is fine: 3 examples\n", "")
    Path("wrong.csv").write_text("key,n\na,1\nb,two\nc,0\n", encoding="utf-8")
    code, out, err = run("validate", "wrong.csv", "--schema", "schema.json")
    assert (code, err) == (4, "promptops: wrong.csv has 2 problems\n")
    assert out.splitlines() == [
        "row 2 (line 3), n: must be a whole number",
        "row 3 (line 4), n: must be at least 1",
    ]
    code, out, err = run("import", "wrong.csv", "--name", name, "--schema", "schema.json")
    assert (code, out) == (4, "")
    assert "row 2 (line 3), n" in err
    assert len(err.splitlines()) == 1
    assert run("get", name)[0] == 3


def test_the_schema_stays_with_the_dataset(run: Run, name: str) -> None:
    run("import", "rows.csv", "--name", name, "--schema", "schema.json")
    Path("more.csv").write_text("n\n7\n", encoding="utf-8")
    code, _, err = run("append", name, "more.csv")
    assert code == 4
    assert "examples[0].n" in err
    assert run("append", name, "more.csv", "--type", "n=int")[0] == 0


def test_splits_are_assigned_shown_and_exported(run: Run, name: str) -> None:
    run("import", "rows.csv", "--name", name, "--id-column", "key")
    assert "(none)" in run("splits", name)[1]
    code, out, _ = run("splits", name, "--assign", "train=0.5", "--assign", "test=0.5", "--json")
    assert code == 0
    counts = msgspec.json.decode(out)["splits"]
    assert sum(counts.values()) == 3
    for split, count in counts.items():
        run("export", name, "part.jsonl", "--split", split)
        assert len(Path("part.jsonl").read_text(encoding="utf-8").splitlines()) == count


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("import", "missing.csv", "--name", "x"), 2, "missing.csv"),
        (("import", "rows.csv", "--name", "x", "--type", "n"), 2, "--type takes NAME=VALUE"),
        (("import", "rows.csv", "--name", "x", "--type", "n=date"), 4, "'date'"),
        (("import", "rows.csv", "--name", "x", "--id-column", "nothing"), 4, "nothing"),
        (("validate", "rows.csv", "--schema", "rows.csv"), 2, "holds no JSON schema"),
        (("export", "nowhere-at-all", "out.csv"), 3, "nowhere-at-all"),
        (("export", "nowhere-at-all", "out.txt"), 4, "format"),
        (("splits", "x", "--assign", "a=b"), 2, "with a number"),
        (("splits", "x", "--assign", "a=2"), 4, "at most 1"),
        (("splits", "x", "--assign", "a=1", "--version", "v1"), 2, "latest version"),
    ],
)
def test_a_failure_is_one_line_with_what_to_do(run: Run, arguments: tuple[str, ...], code: int, said: str) -> None:
    ended, out, err = run(*arguments)
    assert (ended, out) == (code, "")
    assert said in err
    assert "Traceback" not in err
    assert len(err.splitlines()) <= 2
    assert sorted(path.name for path in Path().iterdir()) == ["rows.csv", "schema.json"]


def test_long_work_says_how_far_it_is(
    promptops: Callable[..., subprocess.CompletedProcess[str]], server: EmbeddedServer, tmp_path: Path, name: str
) -> None:
    (tmp_path / "long.jsonl").write_text("".join(f'{{"n":{n}}}\n' for n in range(10_500)), encoding="utf-8")
    done = promptops("datasets", "import", "long.jsonl", "--name", name, "--base-url", server.url)
    assert (done.returncode, done.stdout) == (0, f"imported {name}: 10500 examples\n")
    assert done.stderr.splitlines() == ["read 10,000 examples", "sent 10,000 of 10,500 examples"]
    done = promptops("datasets", "export", name, "out.jsonl", "--base-url", server.url)
    assert done.stderr.splitlines() == ["exported 10,000 examples"]


def test_a_file_that_cannot_be_written_is_one_line(run: Run, name: str) -> None:
    run("import", "rows.csv", "--name", name)
    code, _, err = run("export", name, "no/such/folder/out.csv")
    assert code == 2
    assert "cannot be written" in err
    assert len(err.splitlines()) == 1
