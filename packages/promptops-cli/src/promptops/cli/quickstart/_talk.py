"""What the quickstart says: what is there, what changed, and what to try next."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from promptops.cli._comparison import print_comparison
from promptops.cli._output import console
from promptops.cli.quickstart._live import Model
from promptops.cli.quickstart._material import PROMPT, Material
from promptops.cli.quickstart._offline import NearestExampleModel, read_prompt

if TYPE_CHECKING:
    from promptops.client import PromptResponse
    from promptops.experiments import Comparison

__all__ = ["Talk", "next_commands"]


class Talk:
    """Tells a person what happens."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent

    def setting(self, model: Model, material: Material, directory: Path | None, base_url: str | None) -> None:
        """Say what is there before anything runs."""
        if self._silent:
            return
        from rich.markup import escape

        screen = console()
        first, second = material.baseline, material.candidate
        server = f"started here, data in {directory}" if directory is not None else str(base_url)
        rows = [("model", model.description)]
        if isinstance(model, NearestExampleModel):
            rows.append(("", "to ask a language model, set OPENAI_API_KEY, ANTHROPIC_API_KEY or OPENAI_BASE_URL"))
        rows += [
            ("server", server),
            ("prompt", f"{first.slug}, {first.version} ({_shots(first)}) and {second.version} ({_shots(second)})"),
            ("dataset", f"{material.dataset.name}, {material.size} examples"),
        ]
        screen.print("[bold]PromptOps quickstart[/bold]")
        for name, text in rows:
            screen.print(f"  [dim]{name:8}[/dim] {escape(text)}", soft_wrap=True)
        screen.print()

    def outcome(self, comparison: Comparison, report: Path, where: list[str]) -> None:
        """Show the comparison and what to try next."""
        from rich.markup import escape

        screen = console()
        screen.print()
        print_comparison(comparison, fields=("message",))
        screen.print(f"\nReport: {escape(str(report))}\n\n[bold]Try next[/bold]", soft_wrap=True)
        for command in next_commands(comparison, where, os.environ):
            screen.print(f"  {escape(command)}", soft_wrap=True)


def next_commands(comparison: Comparison, where: list[str], environ: Mapping[str, str]) -> list[str]:
    """Three commands that work as printed, in the directory where the quickstart ran."""
    program = ["uv", "run", "promptops"] if environ.get("UV_RUN_RECURSION_DEPTH") else ["promptops"]
    commands = [
        ["experiments", "compare", comparison.baseline, comparison.candidate, *where],
        ["prompts", "render", PROMPT, "--var", "message=Where is my parcel?", *where],
        ["serve", *where] if where[0] == "--data-dir" else ["datasets", "list", *where],
    ]
    return [shlex.join([*program, *command]) for command in commands]


def _shots(prompt: PromptResponse) -> str:
    count = len(read_prompt(prompt.content).examples)
    return f"{count} examples in its text"
