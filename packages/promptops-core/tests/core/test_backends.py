"""The client of a kind of server is found by name among the installed packages, when it is asked for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from promptops.core.backends import chosen_backend, client_class, installed_backends
from promptops.core.errors import ConfigurationError

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Makes these the installed backends, with whatever each name stands for."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])

    def go(**clients: str) -> None:
        facts = tmp_path / "thing-1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
        lines = "\n".join(f"{name} = {place}" for name, place in clients.items())
        (facts / "entry_points.txt").write_text(f"[promptops.clients]\n{lines}\n")

    return go


def test_the_client_is_what_a_package_declares(install: Install) -> None:
    install(mine="collections:OrderedDict", broken="no_such_module:Client")
    assert installed_backends() == ["broken", "mine"]
    assert client_class("mine").__name__ == "OrderedDict"


def test_a_package_that_cannot_be_loaded_says_why(install: Install) -> None:
    install(broken="no_such_module:Client")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        client_class("broken")


@pytest.mark.parametrize(
    ("clients", "name", "message"),
    [
        (
            ("promptops",),
            "phoenix",
            "no backend 'phoenix' is installed, there is promptops; run: pip install promptops-phoenix",
        ),
        ((), "promptops", "no backend 'promptops' is installed, there is none; run: pip install promptops-client"),
        (
            ("promptops",),
            "ax",
            "no backend 'ax' is installed, there is promptops; pip install promptops-phoenix brings phoenix",
        ),
        (("phoenix", "promptops"), "ax", "no backend 'ax' is installed, there are phoenix and promptops"),
    ],
)
def test_a_backend_that_is_not_there_is_named_with_those_that_are(
    install: Install, clients: tuple[str, ...], name: str, message: str
) -> None:
    install(**dict.fromkeys(clients, "collections:OrderedDict"))
    with pytest.raises(ConfigurationError) as caught:
        client_class(name)
    assert caught.value.message == message


def test_what_is_given_wins_over_the_environment_and_that_over_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMPTOPS_BACKEND", raising=False)
    assert chosen_backend() == "promptops"
    assert chosen_backend(otherwise="ini") == "ini"
    monkeypatch.setenv("PROMPTOPS_BACKEND", " phoenix ")
    assert chosen_backend(otherwise="ini") == "phoenix"
    assert chosen_backend("given", otherwise="ini") == "given"
    monkeypatch.setenv("PROMPTOPS_BACKEND", " ")
    assert chosen_backend("", otherwise="ini") == "ini"


def test_nothing_is_looked_up_by_an_import() -> None:
    code = "import sys, promptops.core.backends; sys.exit('importlib.metadata' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
