"""The module that codegen writes, under both type checkers and the formatter: right uses pass, wrong ones are named."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from promptops.models import PromptResponse
from promptops.prompts.codegen import generate_module

GOLDEN = Path(__file__).parents[2] / "typing" / "typed_prompts.py"
WRONG = """\
from promptops.prompts import AsyncPrompts, SyncPrompts
from typed_prompts import greeting, support_first_reply

def blocking(prompts: SyncPrompts) -> None:
    greeting(prompts, who="Ada")
    greeting(prompts)  # missing
    greeting(prompts, wo="Ada", who="Ada")  # misspelt
    support_first_reply(prompts, history=[], tone="rude", user={"name": "Ada"})  # value
    support_first_reply(prompts, history="no", tone="formal", user={"name": "Ada"})  # placeholder
    support_first_reply(prompts, history=[], tone="formal", user={"nam": "Ada"})  # field
    greeting(prompts, who="Ada", version=1)  # option
    greeting("prompts", who="Ada")  # prompts

async def awaiting(prompts: AsyncPrompts) -> None:
    await greeting(prompts, who="Ada")
    await greeting(prompts)  # awaited
"""
MYPY = {
    "missing": r'Missing named argument "who" for "greeting"',
    "misspelt": r'Unexpected keyword argument "wo" for "greeting"; did you mean "who"\?',
    "value": r"""Argument "tone" .* incompatible type "Literal\['rude'\]"; expected .*'formal'""",
    "placeholder": r'Argument "history" .* incompatible type "str"; expected "Sequence\[ChatMessage \| Mapping',
    "field": r'Extra key "nam" for TypedDict "SupportFirstReplyUser"|Missing key "name" for TypedDict',
    "option": r'Argument "version" to "greeting" has incompatible type "int"; expected "str \| None"',
    "prompts": r'Argument 1 to "greeting" has incompatible type "str"; expected "Renders',
    "awaited": r'Missing named argument "who" for "greeting"',
}
PYRIGHT = {
    "missing": r'Argument missing for parameter "who"',
    "misspelt": r'No parameter named "wo"',
    "value": r"""Argument of type "Literal\['rude'\]" cannot be assigned to parameter "tone" of type""",
    "placeholder": r'Argument of type "Literal\[.no.\]" cannot be assigned to parameter "history" of type "Messages"',
    "field": r'"nam" is an undefined item in type "SupportFirstReplyUser"|"name" is required in',
    "option": r'Argument of type "Literal\[1\]" cannot be assigned to parameter "version" of type "str \| None"',
    "prompts": r'Argument of type "Literal\[.prompts.\]" cannot be assigned to parameter "prompts" of type "Renders',
    "awaited": r'Argument missing for parameter "who"',
}
LINES = {
    found[1]: number for number, line in enumerate(WRONG.splitlines(), 1) if (found := re.search(r"# (\w+)", line))
}


LISTS = ("variables", "target_models", "model_specific_prompts", "tools", "includes", "labels", "tags")
NONES = (
    "messages",
    "tool_choice",
    "response_format",
    "model_settings",
    "variables_schema",
    "source",
    "module_id",
    "created_by",
)


def prompt(**fields: Any) -> PromptResponse:
    empty: dict[str, Any] = {
        "id": "p",
        "project_id": "p",
        "name": "",
        "description": "",
        "content": "",
        "template_format": "mustache",
        "version": "1.0.0",
        "status": "active",
        "etag": "e",
        "metadata": {},
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        **{name: [] for name in LISTS},
        **dict.fromkeys(NONES),
    }
    return msgspec.convert({**empty, "content_hash": "0" * 64, **fields}, PromptResponse)


USER = {
    "type": "object",
    "description": "Who writes to us",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": ["integer", "null"]},
        "orders": {"type": "array", "items": {"properties": {"id": {"type": "string"}, "first-name": {}}}},
    },
    "required": ["name"],
}
PROMPTS = [
    prompt(slug="greeting", description='Says """hello"""\nto <b>one</b> \\ person.', variables=["who"]),
    prompt(slug="no-variables", version="2.1.0"),
    prompt(slug="class", variables=["class", "user-name", "user_name", "version", "1st", "x" * 70]),
    prompt(
        slug="support/first-reply",
        messages=[{"role": "placeholder", "content": "", "name": "history"}],
        variables=["history", "tone", "user"],
        variables_schema={
            "type": "object",
            "properties": {
                "user": USER,
                "tone": {"enum": ["formal", "friendly", 'as "you" like', "it's", "line\nbreak"], "description": "How"},
                "limit": {"anyOf": [{"type": "integer"}, {"const": "none"}, {"type": "null"}]},
                "share": {"type": "number"},
                "extra": {"type": "object", "additionalProperties": {"type": "boolean"}},
                "any": {"anyOf": [{"type": kind} for kind in ("string", "integer", "boolean", "array", "object")]},
            },
        },
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("typed")
    (made / "typed_prompts.py").write_text(generate_module(PROMPTS), encoding="utf-8")
    (made / "wrong.py").write_text(WRONG, encoding="utf-8")
    (made / "mypy.ini").write_text("[mypy]\nstrict = true\n", encoding="utf-8")
    (made / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}', encoding="utf-8")
    return made


def ran(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MYPY", "RUFF"))}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def mypy(folder: Path) -> dict[tuple[str, int], str]:
    """What mypy says, by file and line."""
    done = ran(
        folder, "mypy", "--no-pretty", "--no-color-output", "--hide-error-context", "typed_prompts.py", "wrong.py"
    )
    assert "error:" in done.stdout, done.stderr
    said: dict[tuple[str, int], str] = {}
    for line in done.stdout.splitlines():
        if found := re.match(r"(\S+?):(\d+): error: (.*)", line):
            place = (found[1], int(found[2]))
            said[place] = f"{said.get(place, '')}{found[3]}\n"
    return said


@pytest.fixture(scope="module")
def pyright(folder: Path) -> dict[tuple[str, int], str]:
    """What pyright says, by file and line."""
    done = ran(folder, "pyright", "--pythonpath", sys.executable, "--outputjson", "typed_prompts.py", "wrong.py")
    found: list[dict[str, Any]] = msgspec.json.decode(done.stdout)["generalDiagnostics"]
    said: dict[tuple[str, int], str] = {}
    for item in found:
        place = (Path(item["file"]).name, int(item["range"]["start"]["line"]) + 1)
        said[place] = f"{said.get(place, '')}{item['message']}\n"
    return said


@pytest.mark.parametrize("case", list(LINES))
def test_mypy_names_each_mistake_on_its_line(mypy: dict[tuple[str, int], str], case: str) -> None:
    assert re.search(MYPY[case], mypy[("wrong.py", LINES[case])]), mypy


@pytest.mark.parametrize("case", list(LINES))
def test_pyright_names_each_mistake_on_its_line(pyright: dict[tuple[str, int], str], case: str) -> None:
    assert re.search(PYRIGHT[case], pyright[("wrong.py", LINES[case])]), pyright


def test_both_checkers_have_nothing_else_to_say(
    mypy: dict[tuple[str, int], str], pyright: dict[tuple[str, int], str]
) -> None:
    wrong = {("wrong.py", line) for line in LINES.values()}
    assert set(mypy) == set(pyright) == wrong


@pytest.mark.parametrize("width", [79, 88, 100, 120])
@pytest.mark.parametrize("count", [1, 2, len(PROMPTS)])
def test_the_module_is_formatted_whatever_the_line_length(tmp_path: Path, width: int, count: int) -> None:
    chosen = [item for item in PROMPTS if item.slug != "class"] if count < len(PROMPTS) else PROMPTS
    (tmp_path / "made.py").write_text(generate_module(chosen[-count:]), encoding="utf-8")
    options = ("--isolated", "--line-length", str(width), "--diff")
    done = ran(tmp_path, "ruff", "format", *options, "made.py")
    assert done.returncode == 0, done.stdout
    done = ran(tmp_path, "ruff", "check", "--isolated", "--select", "ALL", "made.py")
    assert done.returncode == 0, done.stdout


def test_only_a_module_with_overlong_names_turns_the_formatter_off() -> None:
    assert "# fmt: off" in generate_module(PROMPTS)
    assert "# fmt: off" not in generate_module([item for item in PROMPTS if item.slug != "class"])


def test_the_checked_in_example_is_what_codegen_writes() -> None:
    assert GOLDEN.read_text(encoding="utf-8") == generate_module(PROMPTS)
