"""The compile step of langfuse's text prompt, beside ours; runs in its environment."""

from __future__ import annotations

from importlib import import_module

from promptops.prompts.render import render_prompt
from promptops.prompts.template import compile_template

from benchmarks._texts import VALUES, source
from benchmarks.peers._report import our_prompt, report


def main() -> None:
    """Measure."""
    model = import_module("langfuse.model")
    text = source("{{ ", " }}")
    stored = import_module("langfuse.api").Prompt_Text(
        prompt=text, name="bench", version=1, config={}, labels=[], tags=[], type="text"
    )
    theirs = model.TextPromptClient(stored)
    template = compile_template(text)
    prompt = our_prompt(content=text)
    assert theirs.compile(**VALUES) == template.render(VALUES)[0] == render_prompt(prompt, VALUES).content
    report(
        "langfuse",
        {
            "template alone": (lambda: theirs.compile(**VALUES), lambda: template.render(VALUES)),
            "whole render of the prompt": (lambda: theirs.compile(**VALUES), lambda: render_prompt(prompt, VALUES)),
        },
    )


if __name__ == "__main__":
    main()
