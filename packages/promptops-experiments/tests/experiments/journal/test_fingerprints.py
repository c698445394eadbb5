"""Whatever changes what a run computes changes its fingerprint, and nothing else does."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from promptops.core.errors import ValidationError
from promptops.experiments.journal import (
    Change,
    Fingerprint,
    Journal,
    ResumeRefused,
    RunPlan,
    changes_between,
    fingerprint_of,
)
from promptops.models.datasets import DatasetExample

EXAMPLES = [DatasetExample(id=f"ex-{number}", fields={"question": number, "hint": "h"}) for number in range(5)]

SOURCE = """
LIMIT = 3
counter = 0

class Helper:
    def value(self):
        return 1

def helper(text):
    return text.strip()

def task(example, style="short"):
    return helper(example["question"]) * LIMIT + str(Helper().value())
"""


def module_task(source: str) -> Callable[..., Any]:
    """The task of a module that has no file, as at an interactive prompt."""
    namespace: dict[str, Any] = {"__name__": "typed_in"}
    exec(compile(source, "<typed in>", "exec"), namespace)
    task: Callable[..., Any] = namespace["task"]
    return task


def answer(example: DatasetExample) -> str:
    return str(example["question"])


def answer_other(example: DatasetExample) -> str:
    return str(example["question"]) + "!"


class Judge:
    """An evaluator with settings."""

    name = "judge"

    def __init__(self, limit: float, client: object = None) -> None:
        self.limit = limit
        self.client = client

    def evaluate(self, output: str) -> bool:
        return len(output) > self.limit


def styled(example: DatasetExample, style: int) -> str:
    return f"{example.id}{style}"


def shout(text: str) -> Callable[[DatasetExample], str]:
    made: list[Callable[[DatasetExample], str]] = [lambda example: example.id + "a", lambda example: example.id + "b"]
    return made[text == "b"]


def closing_over(value: object) -> Callable[[DatasetExample], str]:
    def task(example: DatasetExample) -> str:
        return f"{value}{example.id}"

    return task


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def base(**parts: Any) -> Fingerprint:
    arguments: dict[str, Any] = {
        "examples": EXAMPLES,
        "dataset_version": "v1",
        "prompt": "support@1.0.0",
        "parameters": {"model": "small", "temperature": 0.5},
        "evaluators": {"judge": Judge(3)},
        **parts,
    }
    return fingerprint_of(arguments.pop("task", answer), **arguments)


CHANGED: list[tuple[str, dict[str, Any], str]] = [
    ("dataset version", {"dataset_version": "v2"}, "dataset"),
    (
        "example content",
        {"examples": [msgspec.structs.replace(EXAMPLES[0], fields={"q": 1}), *EXAMPLES[1:]]},
        "examples",
    ),
    ("example gone", {"examples": EXAMPLES[1:]}, "examples"),
    ("example new", {"examples": [*EXAMPLES, DatasetExample(id="new", fields={"a": 1})]}, "examples"),
    ("task", {"task": answer_other}, "task"),
    ("version of the task", {"version": "2"}, "task"),
    ("prompt", {"prompt": "support@1.0.1"}, "prompt"),
    ("no prompt", {"prompt": None}, "prompt"),
    ("parameter", {"parameters": {"model": "large", "temperature": 0.5}}, "parameter"),
    ("parameter gone", {"parameters": {"model": "small"}}, "parameter"),
    ("settings of an evaluator", {"evaluators": {"judge": Judge(4)}}, "evaluator"),
    ("evaluator gone", {"evaluators": {}}, "evaluator"),
    ("code of an evaluator", {"evaluators": {"judge": answer}}, "evaluator"),
]
PAIRS: list[tuple[Any, Any]] = [
    (closing_over("a"), closing_over("b")),
    (closing_over(answer), closing_over(answer_other)),
    (functools.partial(styled, style=1), functools.partial(styled, style=2)),
    (decorated(answer), decorated(answer_other)),
    (shout("a"), shout("b")),
    (Judge(1).evaluate, Judge(2).evaluate),
    (closing_over(Judge(1)), closing_over(SimpleNamespace())),
    (len, repr),
]


@pytest.mark.parametrize(
    ("changed", "kind"), [(parts, kind) for _, parts, kind in CHANGED], ids=[c[0] for c in CHANGED]
)
def test_every_change_is_named_and_stops_a_resume_unless_accepted(
    journal: Journal, changed: dict[str, Any], kind: str
) -> None:
    def plan(**parts: Any) -> RunPlan:
        return RunPlan(name="run", dataset_id="d", fingerprint=base(**parts), units=5)

    journal.begin(plan()).close()
    journal.resume("run", plan()).close()
    with pytest.raises(ResumeRefused, match="accept_changes=True") as caught:
        journal.resume("run", plan(**changed))
    assert [change.kind for change in caught.value.changes] == [kind]
    assert caught.value.changes[0].message in caught.value.message
    with journal.resume("run", plan(**changed), accept_changes=True) as run:
        run.accept()
        assert [change.kind for change in run.experiment.overrides] == [kind]
    journal.resume("run", plan(**changed)).close()
    assert [change.kind for change in journal.get("run").overrides] == [kind]


def test_changed_examples_are_counted_and_some_named() -> None:
    new = base(examples=[msgspec.structs.replace(example, fields={"other": 1}) for example in EXAMPLES[:4]])
    messages = [change.message for change in changes_between(base(), new)]
    assert messages == ["4 examples are changed (ex-0, ex-1, ex-2, …)", "1 example is gone (ex-4)"]


def test_order_of_fields_and_of_parameters_does_not_matter() -> None:
    turned = [DatasetExample(id=found.id, fields=dict(reversed(list(found.fields.items())))) for found in EXAMPLES]
    assert changes_between(base(), base(examples=turned, parameters={"temperature": 0.5, "model": "small"})) == []


def test_what_an_output_does_not_depend_on_is_no_part_of_its_fingerprint() -> None:
    other = base(dataset_version="v2", evaluators={})
    assert other.of_unit("ex-1") == base().of_unit("ex-1")
    assert base().of_unit("ex-1") != base().of_unit("ex-2")
    assert base(prompt="support@2.0.0").of_unit("ex-1") != base().of_unit("ex-1")


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_closures_partials_decorators_lambdas_and_objects_count(old: Any, new: Any) -> None:
    assert fingerprint_of(old).task == fingerprint_of(old).task
    assert fingerprint_of(old).task != fingerprint_of(new).task


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("return text.strip()", "return text.upper()"),
        ("return 1", "return 2"),
        ('style="short"', 'style="long"'),
        ("* LIMIT", "+ LIMIT"),
    ],
)
def test_what_a_task_uses_of_its_module_counts_also_without_source(old: str, new: str) -> None:
    before, again = (fingerprint_of(module_task(SOURCE)).task for _ in range(2))
    assert before == again
    assert fingerprint_of(module_task(SOURCE.replace(old, new))).task != before


def test_what_changes_while_a_program_runs_does_not_count() -> None:
    assert fingerprint_of(module_task(SOURCE.replace("counter = 0", "counter = 7"))).task == (
        fingerprint_of(module_task(SOURCE)).task
    )
    old, new = (fingerprint_of(Judge(1, client=object()).evaluate).task for _ in range(2))
    assert old == new


def test_code_without_source_needs_a_version() -> None:
    encoder: Any = msgspec.json.Encoder()
    with pytest.raises(ValidationError, match="pass a version"):
        fingerprint_of(encoder)
    assert fingerprint_of(encoder, version="1").task == fingerprint_of(answer, version="1").task


def test_prompt_may_be_an_object_with_a_name_and_a_version() -> None:
    assert fingerprint_of(answer, prompt=SimpleNamespace(name="support", version="1.0.0")).prompt == "support@1.0.0"
    with pytest.raises(ValidationError, match="name and a version"):
        fingerprint_of(answer, prompt=object())


def test_parameter_without_a_json_form_is_named() -> None:
    with pytest.raises(ValidationError, match=r"parameters\['client'\]"):
        fingerprint_of(answer, parameters={"client": object()})


def test_repetitions_are_compared_too(journal: Journal) -> None:
    plan = RunPlan(name="run", dataset_id="d", fingerprint=base(), units=5, repetitions=1)
    journal.begin(plan).close()
    changes = journal.changes("run", msgspec.structs.replace(plan, repetitions=3))
    assert changes == [Change(kind="repetitions", name="repetitions", message="repetitions were 1 and are 3")]


def test_a_split_is_no_content() -> None:
    assigned = [DatasetExample(id=found.id, fields={**found.fields, "promptops.split": "test"}) for found in EXAMPLES]
    assert changes_between(base(), base(examples=assigned)) == []


def test_changes_that_are_accepted_are_no_part_of_an_experiment_before_something_of_it_runs(journal: Journal) -> None:
    def plan(**parts: Any) -> RunPlan:
        return RunPlan(name="run", dataset_id="d", fingerprint=base(**parts), units=5)

    journal.begin(plan()).close()
    before = journal.get("run")
    other = plan(parameters={"model": "large", "temperature": 0.5}, evaluators={"judge": answer})
    with journal.resume("run", other, accept_changes=True) as run:
        assert [change.kind for change in run.changes] == ["parameter", "evaluator"]
    assert journal.get("run") == before
    with journal.resume("run", other, accept_changes=True) as run:
        run.set_remote_id("known")
        run.accept(tasks=False)
        run.accept(tasks=False)
    scored = journal.get("run")
    assert scored.plan.fingerprint.evaluators == other.fingerprint.evaluators
    assert scored.plan.fingerprint.parameters == before.plan.fingerprint.parameters
    assert [change.kind for change in scored.overrides] == ["evaluator"]
    assert journal.example_digests("run") == base().examples
    with journal.resume("run", other, accept_changes=True) as run:
        run.set_origin("http://here")
        run.accept()
    record = journal.get("run")
    assert (record.remote_id, record.plan.origin) == ("known", "http://here")
    assert record.plan.fingerprint.parameters == other.fingerprint.parameters
    assert [change.kind for change in record.overrides] == ["evaluator", "parameter"]
