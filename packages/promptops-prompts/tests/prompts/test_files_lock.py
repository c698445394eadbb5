"""Lock files and bundles: stable, checked, and what is read when everything else is down."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from promptops.core.errors import ConfigurationError
from promptops.models import PromptResponse
from promptops.prompts.files import (
    Bundle,
    Lock,
    LockedPrompt,
    PromptFolder,
    document_of,
    drift_from_folder,
    drift_of_file,
    read_lock,
    write_bundle,
    write_lock,
)
from promptops.prompts.files.lockfile import Selector, encode_lock
from promptops.prompts.hashing import content_hash

Make = Callable[..., PromptResponse]
LockOf = Callable[..., Lock]


@pytest.fixture
def lock_of(make_prompt: Make) -> LockOf:
    """A lock with a prompt for each selector; of a selector without a version it is 2.0.0."""

    def make(*selectors: str, **facts: Any) -> Lock:
        entries: list[LockedPrompt] = []
        for text in selectors:
            selector = Selector.parse(text)
            version = selector.version or "2.0.0"
            prompt = make_prompt(slug=selector.name, content=f"{selector.name} {version} 🎈", version=version)
            entries.append(
                LockedPrompt(
                    selector=text,
                    name=selector.name,
                    version=version,
                    label=selector.label,
                    content_hash=content_hash(prompt),
                    prompt=prompt,
                )
            )
        return Lock(origin="http://server", prompts=entries, **facts)

    return make


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("greeting", ("greeting", None, None)),
        ("greeting@latest", ("greeting", None, None)),
        ("team/greeting@production", ("team/greeting", None, "production")),
        ("greeting@v1.2", ("greeting", "1.2.0", None)),
        ("greeting@1.2.0-rc.1", ("greeting", "1.2.0-rc.1", None)),
    ],
)
def test_a_selector_names_a_version_a_label_or_the_latest(text: str, parts: tuple[str, str | None, str | None]) -> None:
    selector = Selector.parse(text)
    assert (selector.name, selector.version, selector.label) == parts
    assert Selector.parse(str(selector)) == selector


@pytest.mark.parametrize("text", ["", "@x", "greeting@"])
def test_a_selector_without_its_parts_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="names no prompt"):
        Selector.parse(text)


@pytest.mark.parametrize("write", [write_lock, write_bundle])
def test_a_lock_is_read_back_as_it_was_written(
    tmp_path: Path, lock_of: LockOf, write: Callable[[Lock, Path], Path]
) -> None:
    lock = lock_of("a", "b@production", "b@1.0.0", project="p")
    assert read_lock(write(lock, tmp_path / "promptops.lock")) == msgspec.structs.replace(
        lock, prompts=sorted(lock.prompts, key=lambda item: item.selector)
    )


def test_the_same_prompts_make_the_same_file_in_any_order(lock_of: LockOf) -> None:
    lock = lock_of("a", "b", "c@1.0.0")
    turned = msgspec.structs.replace(lock, prompts=lock.prompts[::-1])
    assert encode_lock(lock) == encode_lock(turned)
    assert encode_lock(lock).count(b"\n") > 30
    assert encode_lock(lock, compact=True).count(b"\n") == 0


def test_a_change_of_one_prompt_changes_its_lines_and_the_digest_alone(lock_of: LockOf, make_prompt: Make) -> None:
    before = lock_of("a", "b", "c")
    changed = msgspec.structs.replace(before.prompts[1].prompt, content="other")
    after = [before.prompts[0], msgspec.structs.replace(before.prompts[1], prompt=changed), before.prompts[2]]
    old, new = (
        encode_lock(before).split(b"\n"),
        encode_lock(msgspec.structs.replace(before, prompts=after)).split(b"\n"),
    )
    assert len(old) == len(new)
    differing = [line for line, other in zip(old, new, strict=True) if line != other]
    assert len(differing) == 2
    assert differing[0].startswith(b'  "digest"')


def damaged(data: bytes) -> dict[str, bytes]:
    return {
        "a character": data.replace(b"a 2.0.0", b"a 2.0.1"),
        "cut off": data[: len(data) // 2],
        "empty": b"",
        "no digest": b"\n".join(line for line in data.split(b"\n") if b'"digest"' not in line),
        "a field more": data.replace(b'"format": 1,', b'"format": 1, "x": 1,'),
        "not UTF-8": data.replace(b"Greeting", b"\xff"),
        "another file": b'{"name": "x"}',
        "a list": b"[]",
        "a prompt less": encode_lock(Lock(origin="http://server")).replace(b"sha256:", b"sha256:0"),
    }


@pytest.mark.parametrize("kind", list(damaged(b"")))
def test_a_file_that_was_damaged_or_edited_is_refused_by_name(tmp_path: Path, lock_of: LockOf, kind: str) -> None:
    file = write_lock(lock_of("a"), tmp_path / "promptops.lock")
    file.write_bytes(damaged(file.read_bytes())[kind])
    for load in (read_lock, Bundle.load):
        with pytest.raises(ConfigurationError, match=r"promptops\.lock cannot be used") as caught:
            load(file)
        assert "promptops prompts lock" in str(caught.value)
    assert [item.kind for item in drift_of_file(file)] == ["damaged"]


def test_without_the_digest_an_edit_would_go_unnoticed(tmp_path: Path, lock_of: LockOf) -> None:
    lock = lock_of("a")
    edited = msgspec.structs.replace(lock.prompts[0].prompt, content="evil")
    file = write_lock(
        msgspec.structs.replace(lock, prompts=[msgspec.structs.replace(lock.prompts[0], prompt=edited)]),
        tmp_path / "promptops.lock",
    )
    read_lock(file)  # the digest is right, so only the hash of the prompt tells
    assert [item.kind for item in drift_of_file(file)] == ["damaged"]


def test_a_lock_of_a_newer_form_asks_for_an_upgrade(tmp_path: Path, lock_of: LockOf) -> None:
    file = write_lock(lock_of("a", format=2), tmp_path / "promptops.lock")
    with pytest.raises(ConfigurationError, match=r"promptops\.lock has the format 2.*upgrade promptops"):
        Bundle.load(file)


def test_a_lock_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.lock cannot be read"):
        Bundle.load(tmp_path / "none.lock")
    with pytest.raises(ConfigurationError, match="promptops prompts lock"):
        drift_of_file(tmp_path / "none.lock")


def test_a_bundle_answers_for_what_was_locked_and_nothing_else(lock_of: LockOf) -> None:
    bundle = Bundle(lock_of("a", "b@production", "b@1.0.0", "b@10.0.0", "c@1.0.0-rc.1", "c@1.0.0-rc.2"))
    assert bundle.names() == ("a", "b", "c")
    found = bundle.get("b", label="production")
    assert found is not None
    assert found.version == "2.0.0"
    versions = {version: bundle.get("b", version=version) for version in ("v1", "2.0.0", "10", "3.0.0")}
    assert [prompt and prompt.version for prompt in versions.values()] == ["1.0.0", "2.0.0", "10.0.0", None]
    assert bundle.get("b", label="staging") is None
    assert bundle.get("a", label="production") is None
    assert bundle.get("x") is None
    newest, candidate = bundle.get("b"), bundle.get("c")
    assert newest is not None
    assert candidate is not None
    assert (newest.version, candidate.version) == ("10.0.0", "1.0.0-rc.2")
    assert bundle.get(newest.id, version="10.0.0") is not None


def test_the_latest_that_was_locked_wins_over_higher_pins(lock_of: LockOf) -> None:
    latest = Bundle(lock_of("a", "a@3.0.0")).get("a")
    assert latest is not None
    assert latest.version == "2.0.0"


def test_a_bundle_of_one_project_does_not_answer_for_another(lock_of: LockOf) -> None:
    bundle = Bundle(lock_of("a", project="mine"))
    assert bundle.get("a") is not None
    assert bundle.get("a", project="mine") is not None
    assert bundle.get("a", project="p1") is not None  # the id of the same project
    assert bundle.get("a", project="theirs") is None


def test_prompts_of_a_bundle_cannot_be_changed_by_a_caller(lock_of: LockOf) -> None:
    prompt = Bundle(lock_of("a")).get("a")
    assert prompt is not None
    with pytest.raises(TypeError, match="shared by all callers"):
        prompt.variables.append("x")


def test_reading_a_bundle_loads_neither_yaml_nor_http() -> None:
    script = (
        "import sys; from promptops.prompts.files import Bundle;"
        "print([n for n in ('yaml', 'httpx', 'asyncio', 'anyio', 'difflib', 'promptops.prompts.files.parsing')"
        " if n in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_a_large_bundle_is_read_quickly(tmp_path: Path, lock_of: LockOf) -> None:
    lock = lock_of(*(f"prompt-{number}" for number in range(500)))
    entries = [
        msgspec.structs.replace(item, prompt=msgspec.structs.replace(item.prompt, content="x" * 2048))
        for item in lock.prompts
    ]
    file = write_bundle(msgspec.structs.replace(lock, prompts=entries), tmp_path / "promptops.bundle")
    took: list[float] = []
    for _ in range(5):  # the machine may be busy with something else
        started = time.perf_counter()
        assert len(Bundle.load(file).names()) == 500
        took.append(time.perf_counter() - started)
        if took[-1] < 1.0:
            break
    assert min(took) < 1.0


def test_a_folder_and_a_lock_are_compared_without_a_server(tmp_path: Path, lock_of: LockOf) -> None:
    lock = lock_of("same", "changed", "missing")
    folder = PromptFolder(tmp_path)
    for item in lock.prompts[:2]:
        folder.write(document_of(item.prompt))
    assert [item.kind for item in drift_from_folder(lock, folder)] == ["file_missing"]
    changed = msgspec.structs.replace(document_of(lock.prompts[1].prompt), content="edited")
    folder.write(changed)
    folder.write(msgspec.structs.replace(changed, slug="new", name="new"))
    found = {(item.kind, item.selector) for item in drift_from_folder(lock, folder)}
    assert found == {("file_missing", "missing"), ("file_differs", "changed"), ("not_locked", "new")}
