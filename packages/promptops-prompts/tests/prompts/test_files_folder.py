"""Folders of prompt files: all bad files named together, nothing read or written outside, no half-written file."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from promptops.core.errors import ConfigurationError, ValidationError
from promptops.prompts.files import Base, PromptDocument, PromptFolder, _disk
from promptops.prompts.files.state import SyncState


def document(slug: str, content: str = "x") -> PromptDocument:
    return PromptDocument(slug=slug, name=slug, content=content)


def test_a_written_prompt_is_found_under_its_slug(tmp_path: Path) -> None:
    folder = PromptFolder(tmp_path / "prompts")
    file = folder.write(document("team/greeting"))
    assert file == tmp_path / "prompts" / "team" / "greeting.prompt.md"
    assert "slug" not in file.read_text(encoding="utf-8")
    assert list(folder.documents()) == ["team/greeting"]
    assert folder.read("team/greeting") is not None
    assert folder.read("team/other") is None


def test_a_prompt_goes_back_into_the_file_that_it_came_from(tmp_path: Path) -> None:
    file = tmp_path / "anywhere.prompt.md"
    file.write_text("---\nslug: team/greeting\n---\nHello\n", encoding="utf-8")
    folder = PromptFolder(tmp_path)
    found = folder.documents()["team/greeting"]
    assert folder.write(found) == file
    assert "slug: team/greeting\n" in file.read_text(encoding="utf-8")
    assert [path.name for path in folder.files()] == ["anywhere.prompt.md"]
    assert folder.read("team/greeting") is not None


def test_every_slug_of_a_server_has_a_place(tmp_path: Path) -> None:
    folder = PromptFolder(tmp_path)
    for slug in ("a:b", "a~b/c.d", "X_1/-y"):
        folder.write(document(slug))
    assert sorted(folder.documents()) == sorted(["a:b", "a~b/c.d", "X_1/-y"])
    assert not [path for path in folder.files() if ":" in path.name]


@pytest.mark.parametrize("slug", ["../out", "/etc/x", "a/../../b", "a//b", ".hidden", "a/.b", "", "a\\b", "a" * 129])
def test_no_slug_leads_out_of_the_folder(tmp_path: Path, slug: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a slug"):
        PromptFolder(tmp_path / "prompts").write(document(slug))
    assert not list(tmp_path.iterdir())


def test_all_bad_files_are_reported_together(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "greeting.prompt.md").write_text("---\nname: x\ntols: []\n---\n", encoding="utf-8")
    (tmp_path / "b.prompt.md").write_text("---\nname: [\n---\n", encoding="utf-8")
    (tmp_path / "my prompt.prompt.md").write_text("x", encoding="utf-8")
    (tmp_path / "good.prompt.md").write_text("x", encoding="utf-8")
    with pytest.raises(ValidationError) as caught:
        PromptFolder(tmp_path).documents()
    lines = str(caught.value).split("\n")
    assert len(lines) == len(caught.value.validation_errors) == 3
    assert f"{tmp_path}/team/greeting.prompt.md:3: unknown key 'tols'; did you mean 'tools'?" in lines


def test_other_and_hidden_files_are_not_looked_at(tmp_path: Path) -> None:
    for name in ("README.md", ".x.prompt.md", ".git/a.prompt.md", ".promptops/b.prompt.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("---\n[", encoding="utf-8")
    assert PromptFolder(tmp_path).documents() == {}


def test_two_files_with_one_slug_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.prompt.md").write_text("x", encoding="utf-8")
    (tmp_path / "b.prompt.md").write_text("---\nslug: a\n---\ny", encoding="utf-8")
    with pytest.raises(ValidationError, match=r"b\.prompt\.md:1: .*a\.prompt\.md has the slug 'a', too"):
        PromptFolder(tmp_path).documents()


def test_slugs_that_differ_in_case_only_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.prompt.md").write_text("x", encoding="utf-8")
    (tmp_path / "b.prompt.md").write_text("---\nslug: A\n---\ny", encoding="utf-8")
    with pytest.raises(ValidationError, match="some file systems take the two for one"):
        PromptFolder(tmp_path).documents()
    (tmp_path / "b.prompt.md").unlink()
    with pytest.raises(ConfigurationError, match="in case only"):
        PromptFolder(tmp_path).write(document("A"))


def test_links_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    outside, prompts = tmp_path / "outside", tmp_path / "prompts"
    outside.mkdir()
    prompts.mkdir()
    (outside / "secret.prompt.md").write_text("secret", encoding="utf-8")
    (prompts / "a.prompt.md").symlink_to(outside / "secret.prompt.md")
    (prompts / "team").symlink_to(outside)
    folder = PromptFolder(prompts)
    with pytest.raises(ValidationError) as caught:
        folder.documents()
    assert "a.prompt.md:1: is a link that leads out of the folder" in str(caught.value)
    assert "team:1: is a link to a folder" in str(caught.value)
    assert "secret" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="lies outside"):
        folder.write(document("team/new"))
    with pytest.raises(ConfigurationError, match="lies outside"):
        folder.write(document("a"))
    assert (outside / "secret.prompt.md").read_text(encoding="utf-8") == "secret"
    assert len(list(outside.iterdir())) == 1


def test_without_the_check_a_link_would_read_what_lies_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "a.prompt.md").symlink_to(tmp_path / "secret")

    def careless(_file: Path, _folder: Path) -> bool:
        return True

    monkeypatch.setattr("promptops.prompts.files.folder._within", careless)
    assert PromptFolder(tmp_path / "prompts").documents()["a"].content == "secret"


def test_a_link_within_the_folder_is_a_prompt_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.prompt.md").write_text("x", encoding="utf-8")
    (tmp_path / "b.prompt.md").symlink_to(tmp_path / "a.prompt.md")
    assert sorted(PromptFolder(tmp_path).documents()) == ["a", "b"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="There is no folder"):
        PromptFolder(tmp_path / "none").documents()


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = PromptFolder(tmp_path)
    file = folder.write(document("a", "old"))

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ConfigurationError, match=r"a\.prompt\.md cannot be written: No space left on device"):
        folder.write(document("a", "new"))
    assert file.read_text(encoding="utf-8").endswith("old\n")
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_keeps_its_mode(tmp_path: Path) -> None:
    folder = PromptFolder(tmp_path)
    file = folder.write(document("a"))
    file.chmod(0o640)
    folder.write(document("a", "new"))
    assert file.stat().st_mode & 0o777 == 0o640


def base(version: str) -> Base:
    return Base(id="i", version=version, etag="e", fingerprint="f", remote="r", text="t")


def test_the_state_knows_servers_and_projects_apart(tmp_path: Path) -> None:
    one = SyncState(tmp_path, origin="http://one", project=None)
    two = SyncState(tmp_path, origin="http://one", project="p")
    one.record({"a": base("1.0.0"), "b": base("1.0.0")})
    two.record({"a": base("2.0.0")})
    one.record({"b": None})
    assert {slug: item.version for slug, item in one.read().items()} == {"a": "1.0.0"}
    assert {slug: item.version for slug, item in two.read().items()} == {"a": "2.0.0"}
    assert SyncState(tmp_path, origin="http://two", project=None).read() == {}


def test_what_others_record_meanwhile_stays(tmp_path: Path) -> None:
    def record(name: str) -> None:
        state = SyncState(tmp_path, origin="http://one", project=None)
        for number in range(20):
            state.record({f"{name}{number}": base("1.0.0")})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(record, "abcd"))
    assert len(SyncState(tmp_path, origin="http://one", project=None).read()) == 80
    assert [file.name for file in (tmp_path / ".promptops").iterdir()] == ["state.json"]


def test_who_keeps_the_state_to_themselves_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_disk, "_PATIENCE", 0.05)
    state = SyncState(tmp_path, origin="http://one", project=None)
    with _disk.alone(state.path.parent), pytest.raises(ConfigurationError, match="Somebody else"):
        state.record({"a": base("1.0.0")})
    state.record({"a": base("1.0.0")})


@pytest.mark.parametrize("damage", [b"", b"{", b'{"format": 1, "remotes": []}', b"\xff"])
def test_a_damaged_state_is_named_and_not_overwritten(tmp_path: Path, damage: bytes) -> None:
    state = SyncState(tmp_path, origin="http://one", project=None)
    state.record({"a": base("1.0.0")})
    state.path.write_bytes(damage)
    with pytest.raises(ConfigurationError, match=r"state\.json is damaged"):
        state.read()
    with pytest.raises(ConfigurationError, match=r"state\.json is damaged"):
        state.record({"a": None})
    assert state.path.read_bytes() == damage


def test_a_state_of_a_newer_form_is_left_alone(tmp_path: Path) -> None:
    state = SyncState(tmp_path, origin="http://one", project=None)
    state.record({"a": base("1.0.0")})
    state.path.write_bytes(state.path.read_bytes().replace(b'"format": 1', b'"format": 2'))
    with pytest.raises(ConfigurationError, match="upgrade promptops"):
        state.read()
