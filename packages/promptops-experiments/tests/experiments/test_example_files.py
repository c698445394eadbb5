"""Examples in and out of files: every value comes back, and every wrong row is named."""

from __future__ import annotations

import json
import string
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from promptops.core.errors import ConfigurationError, ValidationError
from promptops.experiments.datasets import (
    ExampleRow,
    ExampleWriter,
    RowsError,
    read_examples,
    to_dataframe,
    validate_examples,
    write_examples,
)
from promptops.models.datasets import DatasetExample

FIXED = settings(max_examples=60, deadline=None, derandomize=True)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(lambda name: name != "id")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", '"', '""', ",", "\n", "\r\n", "\r", "a\nb", "\u2028", "=1+1", "🎈", "null", "1", "\ufeff", "\0", " x "]
)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**90), 2**90) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)
ROWS = st.lists(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4), min_size=1, max_size=6)


def fields_of(path: Path, **how: Any) -> list[dict[str, Any]]:
    return [dict(row.fields) for row in read_examples(path, **how)]


def same(one: object, other: object) -> bool:
    """Equal, with 1, 1.0 and True told apart."""
    return one == other and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@pytest.mark.parametrize("ending", ["jsonl", "json", "parquet"])
@FIXED
@given(rows=ROWS)
def test_every_json_value_comes_back_from_a_file(ending: str, rows: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"rows.{ending}"
        assert write_examples(rows, path) == len(rows)
        assert same(fields_of(path), rows)


@FIXED
@given(data=st.data(), names=st.lists(NAMES, min_size=1, max_size=4, unique=True))
def test_every_text_comes_back_from_csv(data: st.DataObject, names: list[str]) -> None:
    rows = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, TEXT)), min_size=1, max_size=6))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        write_examples(rows, path)
        # A line without any text is a blank line in CSV when there is one column; csv quotes it, so it stays.
        assert same(fields_of(path), rows)


@FIXED
@given(values=st.lists(VALUES, min_size=1, max_size=6))
def test_every_json_value_comes_back_from_a_json_column_of_csv(values: list[Any]) -> None:
    rows = [{"n": str(index), "value": json.dumps(value)} for index, value in enumerate(values)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        write_examples(rows, path)
        assert same([row["value"] for row in fields_of(path, json_columns=["value"])], values)


@FIXED
@given(data=st.data(), names=st.lists(NAMES, min_size=1, max_size=3, unique=True))
def test_every_json_value_comes_back_from_a_data_frame(data: st.DataObject, names: list[str]) -> None:
    rows = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, VALUES)), min_size=1, max_size=5))
    assert same([dict(row.fields) for row in read_examples(to_dataframe(rows))], rows)


def test_cells_of_csv_stay_text_unless_somebody_says_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text('zip,n,ok,meta\n00123,1,true,"{""a"":1}"\n', encoding="utf-8")
    assert fields_of(path) == [{"zip": "00123", "n": "1", "ok": "true", "meta": '{"a":1}'}]
    typed = fields_of(path, types={"n": int, "ok": bool}, json_columns=["meta"])
    assert typed == [{"zip": "00123", "n": 1, "ok": True, "meta": {"a": 1}}]
    schema = {"properties": {"n": {"type": "integer"}, "ok": {"type": ["boolean", "null"]}, "meta": {"type": "object"}}}
    assert fields_of(path, schema=schema) == typed


def test_empty_cells_are_null_where_a_type_is_asked_for_and_absent_where_a_schema_has_no_null(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("q,n\na,\n", encoding="utf-8")
    assert fields_of(path) == [{"q": "a", "n": ""}]
    assert fields_of(path, types={"n": "int"}) == [{"q": "a", "n": None}]
    assert fields_of(path, schema={"properties": {"n": {"type": ["integer", "null"]}}}) == [{"q": "a", "n": None}]
    assert fields_of(path, schema={"properties": {"n": {"type": "integer"}}}) == [{"q": "a"}]


def test_a_semicolon_is_only_seen_when_it_is_named_or_guessed(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a;b\n1;2\n3;4\n", encoding="utf-8")
    assert fields_of(path)[0] == {"a;b": "1;2"}
    assert fields_of(path, delimiter=";")[0] == fields_of(path, delimiter="sniff")[0] == {"a": "1", "b": "2"}


def test_columns_are_renamed_and_one_of_them_is_the_id(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("key,question,n\na1,why?,7\n", encoding="utf-8")
    [row] = read_examples(path, columns={"question": "input", "n": "count"}, id_column="key", types={"count": int})
    assert (row.id, dict(row.fields), row.number, row.line) == ("a1", {"input": "why?", "count": 7}, 1, 2)


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.csv", 'q,n\nx,1\ny,two\n"z\nz",3,4\nw,5\nv,six\n', [(2, "n"), (3, None), (5, "n")]),
        ("a.jsonl", '{"n":1}\n\n{"n":\n[1]\n{"n":4}\n', [(2, None), (3, None)]),
        ("a.json", '[{"n":1}, 2, {"n":3}, "x"]', [(2, None), (4, None)]),
    ],
)
def test_all_wrong_rows_are_named_together(
    tmp_path: Path, name: str, content: str, found: list[tuple[int, str | None]]
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    rows = read_examples(path, types={"n": int} if name == "a.csv" else None)
    read: list[ExampleRow] = []
    with pytest.raises(RowsError, match=name) as caught:
        read.extend(rows)
    problems = caught.value.validation_errors
    assert [(problem["row"], problem.get("column")) for problem in problems] == found
    assert {problem["file"] for problem in problems} == {name}
    assert len(read) == 2


def test_problems_of_reading_and_of_the_schema_are_reported_together(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"n":"x"}\nbroken\n{"n":3}\n{"m":4}\n', encoding="utf-8")
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    with pytest.raises(RowsError) as caught:
        validate_examples(path, schema)
    assert [problem["row"] for problem in caught.value.validation_errors] == [1, 2, 4]
    assert "row 1, n: expected integer" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.json", '[{"n":1}, {"n":2', "is no JSON"),
        ("a.json", '[{"n":1}] x', "follows the end"),
        ("a.json", '{"rows": []}', '"examples"'),
        ("a.json", '"text"', "array"),
        ("a.json", '[{"n":1} {"n":2}]', "',' is missing"),
        ("a.json", "[" * 100_000, "is no JSON|nests"),
        ("a.csv", "", "is empty"),
        ("a.csv", "a,a\n1,2\n", "'a' more than once"),
        ("a.csv", "a,\n1,2\n", "no name"),
        ("a.csv", 'a,b\n1,"2\n', "reading ended here"),
        ("a.parquet", "no parquet", "Parquet"),
    ],
)
def test_a_file_that_cannot_be_read_on_says_where_it_ended(
    tmp_path: Path, name: str, content: str, reason: str
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(RowsError, match=reason):
        list(read_examples(path))


def test_text_that_is_not_utf8_is_a_wrong_row(tmp_path: Path) -> None:
    for name, content in (("a.csv", b"q\nx\xff\n"), ("a.jsonl", b'{"q":"\xff"}\n'), ("a.json", b'[{"q":"\xff"}]')):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(RowsError, match=name):
            list(read_examples(tmp_path / name))


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    for name, content in (("a.csv", "q\nx\n"), ("a.jsonl", '{"q":"x"}\n'), ("a.json", '[{"q":"x"}]')):
        (tmp_path / name).write_text(content, encoding="utf-8-sig")
        assert fields_of(tmp_path / name) == [{"q": "x"}]


def test_an_object_with_the_array_examples_is_read_whatever_else_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"name": "x", "examples": [{"n": 1}, {"n": 2}], "more": {"examples": 1}}', encoding="utf-8")
    assert fields_of(path) == [{"n": 1}, {"n": 2}]


def test_an_unknown_ending_asks_for_the_format(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text('{"n":1}\n', encoding="utf-8")
    with pytest.raises(ValidationError, match="format='jsonl'"):
        read_examples(path)
    assert fields_of(path, format="jsonl") == [{"n": 1}]
    with pytest.raises(FileNotFoundError):
        read_examples(tmp_path / "missing.csv")


def test_ids_are_written_in_a_column_of_their_own_and_read_back(tmp_path: Path) -> None:
    examples = [DatasetExample(id="a", fields={"q": 1}), DatasetExample(id="b", fields={"q": 2})]
    for ending in ("csv", "json", "jsonl", "parquet"):
        path = tmp_path / f"rows.{ending}"
        write_examples(examples, path, id_column="key")
        assert [row.id for row in read_examples(path, id_column="key")] == ["a", "b"]
        write_examples(examples, path, id_column=None)
        assert all("id" not in row for row in fields_of(path))
    with pytest.raises(ValidationError, match="id_column="):
        write_examples(examples, tmp_path / "rows.json", id_column="q")


@pytest.mark.parametrize("ending", ["csv", "json", "jsonl", "parquet"])
def test_a_file_is_replaced_once_all_examples_are_written_and_not_before(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"rows.{ending}"
    write_examples([{"q": "old"}], path)

    def rows() -> Iterator[dict[str, Any]]:
        yield {"q": "new"}
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError):
        write_examples(rows(), path)
    assert fields_of(path) == [{"q": "old"}]
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_a_writer_takes_examples_as_they_come(tmp_path: Path) -> None:
    with ExampleWriter(tmp_path / "rows.json") as writer:
        writer.write([{"n": 1}])
        writer.write([])
        writer.write([{"n": 2}])
    assert writer.count == 2
    assert fields_of(tmp_path / "rows.json") == [{"n": 1}, {"n": 2}]


def test_missing_values_of_a_data_frame_are_null_and_its_index_can_be_the_id() -> None:
    pandas: Any = import_module("pandas")
    frame = pandas.DataFrame({"q": ["a", None], "n": [1.5, float("nan")]}, index=pandas.Index(["x", "y"], name="key"))
    rows = list(read_examples(frame, id_column="key"))
    assert [(row.id, dict(row.fields)) for row in rows] == [
        ("x", {"q": "a", "n": 1.5}),
        ("y", {"q": None, "n": None}),
    ]


def test_a_data_frame_is_validated_as_it_would_be_read() -> None:
    frame = to_dataframe([{"key": "a", "n": 1}, {"key": "b", "n": 2}])
    assert validate_examples(frame, {"properties": {"n": {"type": "integer"}}}, id_column="key") == 2
    with pytest.raises(RowsError):
        validate_examples(frame, {"properties": {"n": {"type": "string"}}}, id_column="key")


def test_a_missing_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    monkeypatch.setitem(sys.modules, "pandas", None)
    (tmp_path / "a.parquet").write_bytes(b"")
    with pytest.raises(ConfigurationError, match=r"promptops-experiments\[parquet\]"):
        list(read_examples(tmp_path / "a.parquet"))
    with pytest.raises(ConfigurationError, match=r"promptops-experiments\[parquet\]"):
        write_examples([{"a": 1}], tmp_path / "b.parquet")
    with pytest.raises(ConfigurationError, match=r"promptops-experiments\[pandas\]"):
        to_dataframe([{"a": 1}])


def test_reading_and_writing_files_imports_neither_library() -> None:
    code = (
        "import sys, promptops.experiments.datasets as d; d.write_examples([{'a': 1}], sys.argv[1]); "
        "list(d.read_examples(sys.argv[1])); print([n for n in ('pandas', 'pyarrow', 'numpy') if n in sys.modules])"
    )
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", code, f"{folder}/a.csv"], capture_output=True, text=True, check=True, timeout=200
        )
    assert done.stdout == "[]\n"


READ_ALL = """
import sys
from promptops.experiments.datasets import read_examples, write_examples
write_examples(read_examples(sys.argv[1]), sys.argv[2])
status = open("/proc/self/status").read()
print(status.split("VmHWM:")[1].split()[0])
"""


@pytest.mark.parametrize("ending", ["json", "jsonl", "csv"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, ending: str, peak_of: Callable[..., int]) -> None:
    rows = ({"n": str(n), "text": string.ascii_letters * 8} for n in range(40_000))  # 17 MB
    write_examples(rows, tmp_path / f"large.{ending}")
    write_examples(({"n": str(n), "text": string.ascii_letters * 8} for n in range(4000)), tmp_path / f"small.{ending}")
    small, large = (
        peak_of(READ_ALL, tmp_path / f"{size}.{ending}", tmp_path / "out.jsonl") for size in ("small", "large")
    )
    assert large - small < 4 * 1024  # KiB


def test_a_list_of_all_examples_does_grow(tmp_path: Path, peak_of: Callable[..., int]) -> None:
    rows = ({"n": str(n), "text": string.ascii_letters * 8} for n in range(40_000))
    write_examples(rows, tmp_path / "large.jsonl")
    code = READ_ALL.replace("read_examples(sys.argv[1])", "list(read_examples(sys.argv[1]))")
    streamed = peak_of(READ_ALL, tmp_path / "large.jsonl", tmp_path / "out.jsonl")
    assert peak_of(code, tmp_path / "large.jsonl", tmp_path / "out.jsonl") - streamed > 16 * 1024


@pytest.fixture
def peak_of() -> Callable[..., int]:
    """The most memory that a program had, in KiB."""

    def run(code: str, *arguments: Path) -> int:
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=True, timeout=120
        )
        return int(done.stdout)

    return run
