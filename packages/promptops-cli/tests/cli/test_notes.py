"""What libraries log while a command runs is a note, in words; what they advise names options."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from promptops.cli import _main, main
from promptops.cli._notes import note_of
from promptops.cli._wording import in_options
from promptops.core.errors import NotFoundError

PACKAGES = Path(__file__).parents[3]
STORED = {"name": "greet", "version": "2.0.0", "losses": ["content: changed", "tools[0].name: assumed"], "count": 2}
# A command that logs: `--version` is replaced by what a library would do.
COMMAND = """
import sys
from promptops.cli import _main
from promptops.core.log import log

def logs(**given):
    log().info("call_retried", after_s=1)
    for _ in range(2):
        log().warning("prompt_stored_differently", name="greet", version="2.0.0", losses=["content: changed"], count=3)
    log().warning("env_file_ignored", path="/a\\x1b[2J", reason="not readable")
    print("done")

_main.cli.main = logs
{before}
_main.main(sys.argv[1:])
"""
LOSS = "note: prompt greet 2.0.0 was stored otherwise than given: content: changed; and 2 more\n"
IGNORED = "note: /a\\x1b[2J is ignored: not readable\n"


def said(*arguments: str, before: str = "", debug: str = "") -> str:
    """What such a command says on stderr."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND.replace("{before}", before), *arguments],
        capture_output=True,
        text=True,
        env={"PROMPTOPS_DEBUG": debug},
        timeout=200,
        check=True,
    )
    assert done.stdout == "done\n"
    return done.stderr


def test_what_is_logged_is_a_note_that_is_said_once() -> None:
    assert said() == LOSS + IGNORED


def test_beside_json_nothing_is_said_of_what_the_json_shows() -> None:
    assert said("--json") == IGNORED


def test_somebody_who_looks_for_a_fault_sees_the_lines_themselves() -> None:
    lines = said("--json", debug="1").splitlines()
    assert lines[0] == lines[1]
    assert lines[0].startswith("prompt_stored_differently name='greet' version='2.0.0'")


def test_code_that_sets_up_logging_itself_gets_the_lines_instead() -> None:
    lines = said(before="import logging; logging.basicConfig(format='own %(message)s')").splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["own", "prompt_stored_differently"],
        ["own", "prompt_stored_differently"],
        ["own", "env_file_ignored"],
    ]


def test_what_others_log_stays_as_it_is() -> None:
    assert said(before="import logging; logging.getLogger('other').warning('a_b c=1')") == f"a_b c=1\n{LOSS}{IGNORED}"
    during = "_main.cli.main = lambda **given: (logging.getLogger('other').warning('a_b c=1'), print('done'))"
    assert said(before=f"import logging; {during}") == "a_b c=1\n"


def test_a_note_names_what_was_stored_otherwise() -> None:
    assert note_of("prompt_stored_differently", STORED) == (
        "prompt greet 2.0.0 was stored otherwise than given: content: changed; tools[0].name: assumed"
    )


@pytest.mark.parametrize("facts", [{"tier": "disk", "why": "full"}, {"tier": "disk", "why": "full\n"}])
def test_facts_that_have_no_sentence_are_said_one_by_one(facts: dict[str, str]) -> None:
    assert note_of("cache_unavailable", facts) == "cache unavailable, tier disk, why full"
    assert note_of("thing_failed", {"next_try_in_s": 2.0}) == "thing failed, next try in s 2.0"


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("Remove them, or delete it with force=True.", "Remove them, or delete it with --force."),
        (
            "3 may be: give allow_delete=5, or confirm= a plan of plan_replace. Nothing was changed",
            "3 may be: give --allow-delete 5. Nothing was changed",
        ),
        ("or pass accept_changes=True to go on", "or pass --accept-changes to go on"),
        ("Pass journal= another file to go on", "Pass --journal another file to go on"),
        ("versions; leave version= out", "versions; leave --version out"),
        ("for example delimiter=';'", "for example --delimiter ';'"),
        ("Check base_url (PROMPTOPS_BASE_URL) and", "Check --base-url (PROMPTOPS_BASE_URL) and"),
        ("There is a prompt 'base_url' already", "There is a prompt 'base_url' already"),
        ("http://a/?version=3 and base_url=x", "http://a/?version=3 and base_url=x"),
        ("'force=True' is no name", "'force=True' is no name"),
    ],
)
def test_arguments_are_named_as_options(message: str, told: str) -> None:
    assert in_options(message) == told


def test_every_phrase_that_is_translated_is_said_by_a_library() -> None:
    # The messages are put together of literals; quotes and breaks between them do not count.
    from promptops.cli import _wording

    sources = [path.read_text("utf-8") for path in PACKAGES.glob("promptops-*/src/promptops/**/*.py")]
    said = "".join(re.sub(r'"\s*\n\s*f?"', "", source) for source in sources if "_PHRASES: Final" not in source)
    for call, _ in _wording._PHRASES:  # pyright: ignore[reportPrivateUsage] - the table itself is looked at
        assert call in said, call


def test_a_failure_is_told_without_characters_that_a_terminal_obeys(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise NotFoundError("there is no 'a\x1b[2J',\nwhich é says")

    monkeypatch.setattr(_main.cli, "main", fail)
    with pytest.raises(SystemExit):
        main([])
    assert capsys.readouterr().err == "promptops: there is no 'a\\x1b[2J', which é says\n"
