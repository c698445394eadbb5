"""Batches of prompts: what is asked of the store, and what becomes of what it has."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from promptops.core.errors import ValidationError
from promptops.server import wire
from promptops.server.refusals import invalid
from promptops.server.services.which import which_of
from promptops.server.stores.prompt_protocol import Which

__all__ = ["batch_answer", "batch_of"]


def batch_of(body: wire.PromptBatchRequest) -> tuple[dict[str, Which], list[wire.PromptBatchError]]:
    """The version that is wanted of each prompt, and errors for those whose version or label is none.

    Raises:
        ValidationError: The common version or label is none, both are given, for all or for one prompt, or one is given
            for a prompt that is not asked for.
    """
    for field, given in (("versions", body.versions), ("labels", body.labels)):
        stray = next((name for name in given if name not in body.prompt_ids), None)
        if stray is not None:
            raise invalid(field, f"'{stray}' is not among prompt_ids", "unknown_prompt")
    both = next((name for name in body.labels if name in body.versions), None)
    if both is not None:
        raise invalid("labels", f"'{both}' has a version too; give one of them", "conflicting_fields")
    common = which_of(body.version, body.label)
    wanted: dict[str, Which] = {}
    errors: list[wire.PromptBatchError] = []
    for reference in dict.fromkeys(body.prompt_ids):
        version, label = body.versions.get(reference), body.labels.get(reference)
        try:
            wanted[reference] = common if version is None and label is None else which_of(version, label)
        except ValidationError as error:
            errors.append(wire.PromptBatchError(prompt_id=reference, code=error.error_code, message=error.message))
    return wanted, errors


def batch_answer(
    body: wire.PromptBatchRequest,
    wanted: Mapping[str, Which],
    found: Mapping[str, wire.PromptResponse],
    errors: list[wire.PromptBatchError],
) -> wire.PromptBatch:
    """The answer in the order of the request."""
    prompts: dict[str, wire.PromptResponse] = {}
    missing: list[wire.PromptBatchError] = []
    for reference, asked in wanted.items():
        prompt = found.get(reference)
        if prompt is not None:
            prompts[reference] = prompt if body.include_metadata else msgspec.structs.replace(prompt, metadata={})
            continue
        which = "" if asked.version is None else f" with the version {asked.version}"
        if asked.label is not None:
            which = f" with the label '{asked.label}'"
        message = f"There is no prompt '{reference}'{which} in this project."
        missing.append(wire.PromptBatchError(prompt_id=reference, code="PROMPT_NOT_FOUND", message=message))
    places = {reference: place for place, reference in enumerate(dict.fromkeys(body.prompt_ids))}
    return wire.PromptBatch(
        prompts=prompts, errors=sorted([*errors, *missing], key=lambda error: places[error.prompt_id])
    )
