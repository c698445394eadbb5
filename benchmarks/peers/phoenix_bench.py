"""The format step of the Phoenix client's prompt, beside ours; runs in its environment."""

from __future__ import annotations

from importlib import import_module

from promptops.prompts.render import render_prompt
from promptops.prompts.template import compile_template

from benchmarks._texts import VALUES, source
from benchmarks.peers._report import our_prompt, report


def main() -> None:
    """Measure."""
    text = source("{{ ", " }}")
    formatter = import_module("phoenix.client.utils.template_formatters").to_formatter("MUSTACHE")
    theirs = import_module("phoenix.client.types").PromptVersion(
        [{"role": "user", "content": text}], model_name="gpt-4o", template_format="MUSTACHE"
    )
    template = compile_template(text)
    message = our_prompt(role="user", content=text, name=None)
    prompt = our_prompt(messages=[message])
    expected = {"model": "gpt-4o", "messages": [{"role": "user", "content": template.render(VALUES)[0]}]}
    assert formatter.format(text, variables=VALUES) == template.render(VALUES)[0]
    assert dict(theirs.format(variables=VALUES)) == expected
    assert render_prompt(prompt, VALUES).to("openai", model="gpt-4o") == expected
    report(
        "arize-phoenix-client",
        {
            "template alone": (lambda: formatter.format(text, variables=VALUES), lambda: template.render(VALUES)),
            "render and arguments for the SDK": (
                lambda: theirs.format(variables=VALUES),
                lambda: render_prompt(prompt, VALUES).to("openai", model="gpt-4o"),
            ),
        },
    )


if __name__ == "__main__":
    main()
