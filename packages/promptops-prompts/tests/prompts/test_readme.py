"""The examples of the README do what it says, against a real socket."""

from __future__ import annotations

import contextlib
import re
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from promptops.prompts.codegen import generate_module

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def address(make_json: Callable[..., Any]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = msgspec.json.encode(make_json())
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.send_header("connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server calls it by
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_first_example_fetches_and_renders(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = BLOCKS[0].replace("http://127.0.0.1:8000", address)
    scope: dict[str, Any] = {"__name__": "readme"}
    exec(compile(code, str(README), "exec"), scope)
    assert capsys.readouterr().out == "Hello Ada!\n"


def test_the_second_example_renders_alone(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(BLOCKS[1], str(README), "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out == (
        'Hello Ada, answer as {"city": "..."}. Facts: ["{{ not a variable }}",1.5,null] (\'user\', \'facts\')\n'
    )


@pytest.fixture(scope="module")
def scope(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What the examples about files share, in a folder with the file that the README shows."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "prompts").mkdir()
    shown = re.findall(r"```markdown\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (folder / "prompts" / "support.prompt.md").write_text(shown[0], encoding="utf-8")
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(folder), *sys.path])
        yield {"__name__": "readme"}
    sys.modules.pop("typed_prompts", None)


def example(number: int, scope: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> list[str]:
    exec(compile(BLOCKS[number], str(README), "exec"), scope)
    return capsys.readouterr().out.splitlines()


def test_the_examples_about_files_formats_and_types_do_what_they_say(
    scope: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert example(2, scope, capsys) == [
        "system: You answer customers of Acme in a friendly tone.",
        "user: Hello?",
        "assistant: Hello! How can I help?",
        "user: Where is my parcel?",
    ]
    assert example(3, scope, capsys) == [
        "gpt-4o 500 ['find_order']",
        "You answer customers of Acme in a friendly tone.",
        "Hi gpt-4o ()",
    ]
    Path("typed_prompts.py").write_text(generate_module(scope["prompts"].iterate()), encoding="utf-8")
    assert example(4, scope, capsys) == ["You answer customers of Acme in a formal tone."]
