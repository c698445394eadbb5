"""Fingerprints of what makes an output and a score: example content, code, prompt, parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments._json import NotStorable, json_text
from promptops.experiments.datasets._splits import SPLIT
from promptops.experiments.journal._sources import digest_of_code
from promptops.models.datasets import DatasetExample

__all__ = ["UNKNOWN", "Fingerprint", "digest", "example_digest", "fingerprint_of"]

UNKNOWN: Final = ""
"""Stands for the fingerprint of what another machine ran; it agrees with every other one."""


class Fingerprint(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is made of, each part as a short digest.

    Attributes:
        task: The code of the task, or its explicit version.
        task_name: For messages.
        dataset_version: The id of the dataset's version, or None.
        prompt: The prompt and its version, as text, or None.
        parameters: A digest for each parameter.
        evaluators: A digest for each evaluator.
        examples: A digest for each example, by id.
    """

    task: str
    task_name: str = "task"
    dataset_version: str | None = None
    prompt: str | None = None
    parameters: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    evaluators: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    examples: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])

    @property
    def is_known(self) -> bool:
        """Whether it says anything."""
        return self.task != UNKNOWN

    @property
    def of_code(self) -> Fingerprint:
        """Only what makes an output beside the content of the example: the code, the prompt, the parameters."""
        return Fingerprint(task=self.task, task_name=self.task_name, prompt=self.prompt, parameters=self.parameters)

    def of_unit(self, example_id: str) -> str:
        """Return the fingerprint of the outputs of one example: two that agree may stand for each other.

        The dataset's version and the evaluators are no part of it: an output depends on neither.
        """
        return self.of_content(self.examples.get(example_id))

    def of_content(self, content: str | None) -> str:
        """Return the fingerprint of the outputs of an example with this content, given as its digest."""
        return digest([self.task, self.prompt, sorted(self.parameters.items()), content])


def fingerprint_of(
    task: Callable[..., Any],
    *,
    examples: Iterable[DatasetExample] = (),
    version: str | None = None,
    dataset_version: str | None = None,
    prompt: object = None,
    parameters: Mapping[str, Any] | None = None,
    evaluators: Mapping[str, object] | None = None,
    evaluator_versions: Mapping[str, str] | None = None,
) -> Fingerprint:
    """Return the fingerprint of a run.

    Args:
        task: Its source, closure and bound arguments count.
        examples: Their contents count, each by itself.
        version: Stands for the source of the task; needed where no source can be read.
        dataset_version: The id of the dataset's version.
        prompt: A text such as ``"support@1.4.0"``, or an object with ``name`` and ``version``.
        parameters: Any JSON values that the task depends on: model, temperature.
        evaluators: By name.
        evaluator_versions: By name; stands for the source of an evaluator.

    Raises:
        ValidationError: The source of the task or of an evaluator cannot be read and no version is given, or a value
            has no JSON form.
    """
    versions = evaluator_versions or {}
    return Fingerprint(
        task=digest_of_code(task, "the task", version),
        task_name=getattr(task, "__name__", None) or type(task).__name__,
        dataset_version=dataset_version,
        prompt=_prompt_text(prompt),
        parameters={name: _parameter_digest(name, value) for name, value in (parameters or {}).items()},
        evaluators={
            name: digest_of_code(evaluator, f"evaluator {name!r}", versions.get(name))
            for name, evaluator in (evaluators or {}).items()
        },
        examples={example.id: _digest_of(example) for example in examples},
    )


def example_digest(fields: Mapping[str, Any]) -> str:
    """Return the digest of the content of an example; neither the order of its fields matters nor its split."""
    return digest({name: value for name, value in fields.items() if name != SPLIT} if SPLIT in fields else fields)


def digest(value: object) -> str:
    """Return 128 bits of SHA-256 over the canonical JSON of ``value``, as hexadecimal text."""
    import hashlib

    try:
        text = msgspec.json.encode(value, order="deterministic")
    except (TypeError, ValueError, OverflowError, RecursionError):
        text = msgspec.json.encode(msgspec.json.decode(json_text(value)), order="deterministic")
    return hashlib.sha256(text).hexdigest()[:32]


def _digest_of(example: DatasetExample) -> str:
    try:
        return example_digest(example.fields)
    except NotStorable as exc:
        raise ValidationError(f"example {example.id!r} has no JSON form: {exc}") from None


def _parameter_digest(name: str, value: object) -> str:
    try:
        return digest(value)
    except NotStorable as exc:
        raise ValidationError(f"parameters[{name!r}] has no JSON form: {exc}") from None


def _prompt_text(prompt: object) -> str | None:
    if prompt is None or isinstance(prompt, str):
        return prompt
    name = getattr(prompt, "slug", None) or getattr(prompt, "name", None)
    version = getattr(prompt, "version", None)
    if not isinstance(name, str) or not isinstance(version, str):
        raise ValidationError("prompt must be a text such as 'support@1.4.0', or have a name and a version")
    return f"{name}@{version}"
