"""Batches of prompts: what is asked of the store, and what becomes of what it has."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from promptops.core.errors import ValidationError
from promptops.server import versions, wire
from promptops.server.refusals import invalid

__all__ = ["batch_answer", "batch_of"]


def batch_of(body: wire.PromptBatchRequest) -> tuple[dict[str, str | None], list[wire.PromptBatchError]]:
    """The version that is wanted of each prompt (None is the latest), and errors for those that name none.

    Raises:
        ValidationError: The common version is none, or a version is given for a prompt that is not asked for.
    """
    stray = next((name for name in body.versions if name not in body.prompt_ids), None)
    if stray is not None:
        raise invalid("versions", f"'{stray}' is not among prompt_ids", "unknown_prompt")
    common = versions.normalise(body.version)
    wanted: dict[str, str | None] = {}
    errors: list[wire.PromptBatchError] = []
    for reference in dict.fromkeys(body.prompt_ids):
        try:
            given = body.versions.get(reference)
            wanted[reference] = common if given is None else versions.normalise(given)
        except ValidationError as error:
            errors.append(wire.PromptBatchError(prompt_id=reference, code=error.error_code, message=error.message))
    return wanted, errors


def batch_answer(
    body: wire.PromptBatchRequest,
    wanted: Mapping[str, str | None],
    found: Mapping[str, wire.PromptResponse],
    errors: list[wire.PromptBatchError],
) -> wire.PromptBatch:
    """The answer in the order of the request."""
    prompts: dict[str, wire.PromptResponse] = {}
    missing: list[wire.PromptBatchError] = []
    for reference, version in wanted.items():
        prompt = found.get(reference)
        if prompt is not None:
            prompts[reference] = prompt if body.include_metadata else msgspec.structs.replace(prompt, metadata={})
            continue
        which = "" if version is None else f" with the version {version}"
        message = f"There is no prompt '{reference}'{which} in this project."
        missing.append(wire.PromptBatchError(prompt_id=reference, code="PROMPT_NOT_FOUND", message=message))
    places = {reference: place for place, reference in enumerate(dict.fromkeys(body.prompt_ids))}
    return wire.PromptBatch(
        prompts=prompts, errors=sorted([*errors, *missing], key=lambda error: places[error.prompt_id])
    )
