"""What the official ``arize`` SDK writes, our client reads field by field, and the other way round."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tools.arize.official import OfficialSdk

Ours = Callable[..., Awaitable[Any]]
Unique = Callable[[str], str]
Json = dict[str, Any]

pytestmark = pytest.mark.anyio

ROWS: list[Json] = [
    {"question": "ä\u2028\U0001f600", "nested": {"list": [1, None, {"deep": True}]}, "empty": None, "number": 0.1},
    {"question": "it's", "flag": False, "number": 2**53, "a.dotted.name": "x"},
    {"question": "", "number": -1},
]
PLAIN = """
    def plain(value):
        # An open model keeps what it does not know apart.
        if isinstance(value, list):
            return [plain(each) for each in value]
        found = value.model_dump(mode="json") if hasattr(value, "model_dump") else value
        known = {name: each for name, each in found.items() if name != "additional_properties"}
        return {**known, **(found.get("additional_properties") or {})}
"""
CREATE = (
    PLAIN
    + """
    def run(client, payload):
        made = client.datasets.create(name=payload["name"], space="default", examples=payload["rows"])
        return plain(made)
"""
)
RUNS = """
    from arize.experiments.evaluators.types import EvaluationResultFieldNames
    from arize.experiments.types import ExperimentRunInput, ExperimentTaskFieldNames

    FIELDS = ExperimentTaskFieldNames(example_id="example_id", output="output")
    SCORED = {"exact": EvaluationResultFieldNames(score="score", label="label", explanation="why")}

    def create(client, payload):
        return client.experiments.create(
            name=payload["name"], dataset=payload["dataset"], experiment_runs=payload["runs"], task_fields=FIELDS,
            evaluator_columns=SCORED,
        )
"""


def same_moment(one: str, other: datetime) -> bool:
    return datetime.fromisoformat(one) == other


def user_fields(example: Json) -> Json:
    """What its author wrote of an example as the SDK shows it."""
    return {
        name: value for name, value in example.items() if name not in {"id", "created_at", "updated_at", "annotations"}
    }


async def test_spaces_are_found_by_name_and_by_id(sdk: OfficialSdk) -> None:
    code = f"""
    {PLAIN}
    def run(client, payload):
        named = client.spaces.get(space="default")
        listed = client.spaces.list(name="EFAUL", limit=1)
        return [plain(each) for each in (named, client.spaces.get(space=named.id), *listed.spaces)]
    """
    named, by_id, listed = sdk(code)
    assert named == by_id == listed
    assert (named["name"], named["is_private"]) == ("default", True)


async def test_a_dataset_of_theirs_is_read_by_ours(sdk: OfficialSdk, ours: Ours, unique: Unique) -> None:
    made = sdk(CREATE, {"name": unique("theirs"), "rows": ROWS})
    found = await ours("datasets.get", made["name"])
    assert (found.id, found.name, found.space_id) == (made["id"], made["name"], made["space_id"])
    assert same_moment(made["created_at"], found.created_at)
    assert same_moment(made["updated_at"], found.updated_at)
    (version,) = made["versions"]
    assert [(each.id, each.name, each.dataset_id) for each in found.versions] == [
        (version["id"], version["name"], made["id"])
    ]
    assert [dict(example.fields) for example in await ours("datasets.examples", found.id)] == ROWS


async def test_a_dataset_of_ours_is_read_by_theirs(sdk: OfficialSdk, ours: Ours, unique: Unique) -> None:
    made = await ours("datasets.create", unique("ours"), ROWS)
    code = f"""
    {PLAIN}
    def run(client, payload):
        found = client.datasets.get(dataset=payload, space="default")
        examples = client.datasets.list_examples(dataset=payload, space="default").examples
        return plain(found), plain(examples)
    """
    found, examples = sdk(code, made.name)
    assert (found["id"], found["name"], found["space_id"]) == (made.id, made.name, made.space_id)
    assert same_moment(found["created_at"], made.created_at)
    mine = await ours("datasets.examples", made.id)
    assert [(each["id"], user_fields(each)) for each in examples] == [(each.id, dict(each.fields)) for each in mine]
    assert all(same_moment(one["created_at"], other.created_at) for one, other in zip(examples, mine, strict=True))


async def test_their_lists_lead_through_every_page(sdk: OfficialSdk, ours: Ours, unique: Unique) -> None:
    stem = unique("paged")
    names = [f"{stem}-{number}" for number in range(3)]
    for name in names:
        await ours("datasets.create", name, ROWS)
    code = """
    def pages(ask, member):
        found, cursor = [], None
        while True:
            page = ask(cursor)
            found.append([each.id if member == "examples" else each.name for each in getattr(page, member)])
            if not page.pagination.has_more:
                assert page.pagination.next_cursor is None
                return found
            cursor = page.pagination.next_cursor

    def run(client, payload):
        stem, name = payload
        listed = pages(
            lambda at: client.datasets.list(name=stem.upper(), space="default", limit=2, cursor=at), "datasets"
        )
        rows = pages(
            lambda at: client.datasets.list_examples(dataset=name, space="default", limit=2, cursor=at), "examples"
        )
        return listed, rows
    """
    listed, rows = sdk(code, [stem, names[0]])
    assert listed == [[names[2], names[1]], [names[0]]]
    mine = [each.id for each in await ours("datasets.examples", names[0])]
    assert rows == [mine[:2], mine[2:]]


async def test_what_they_change_of_a_dataset_is_read_by_ours(sdk: OfficialSdk, ours: Ours, unique: Unique) -> None:
    made = await ours("datasets.create", unique("changed"), ROWS)
    other = unique("renamed")
    code = f"""
    {PLAIN}
    def run(client, payload):
        dataset, name = payload
        renamed = client.datasets.update(dataset=dataset, name=name)
        added = client.datasets.append_examples(dataset=dataset, examples=[{{"question": "four"}}])
        one = added.example_ids[0]
        changed = client.datasets.update_examples(
            dataset=dataset, examples=[{{"id": one, "question": "4", "hint": [1]}}, {{"id": "nobody", "a": 1}}]
        )
        copied = client.datasets.update_examples(
            dataset=dataset, examples=[{{"id": one, "hint": None}}], new_version="second"
        )
        page = client.datasets.list_examples(dataset=dataset, dataset_version_id=added.dataset_version_id)
        first = page.examples[0].id
        deleted = client.datasets.delete_examples(
            dataset=dataset, dataset_version_id=copied.dataset_version_id, examples=[first, "nobody"]
        )
        return [plain(each) for each in (renamed, added, changed, copied, deleted)]
    """
    renamed, added, changed, copied, deleted = sdk(code, [made.id, other])
    found = await ours("datasets.get", other)
    assert (found.id, renamed["name"]) == (made.id, other)
    one = added["example_ids"][0]
    assert changed["example_ids"] == copied["example_ids"] == [one]
    assert added["dataset_version_id"] == changed["dataset_version_id"] == made.versions[0].id
    assert [(each.id, each.name) for each in found.versions] == [
        (copied["dataset_version_id"], "second"),
        (made.versions[0].id, "v1"),
    ]
    before = await ours("datasets.examples", made.id, version=made.versions[0].id)
    assert [dict(each.fields) for each in before] == [*ROWS, {"question": "4", "hint": [1]}]
    assert before[-1].updated_at > before[-1].created_at
    after = await ours("datasets.examples", made.id)
    assert [dict(each.fields) for each in after] == [*ROWS[1:], {"question": "4", "hint": None}]
    assert deleted == {
        "completed": True,
        "deleted_example_ids": [before[0].id],
        "not_deleted_example_ids": ["nobody"],
    }


async def test_their_filters_keep_examples_and_runs(sdk: OfficialSdk, ours: Ours, unique: Unique) -> None:
    made = await ours(
        "datasets.create", unique("filtered"), [{"n": number, "text": f"t'{number}"} for number in range(5)]
    )
    ids = [each.id for each in await ours("datasets.examples", made.id)]
    runs = [{"example_id": one, "output": str(at), "score": at / 4} for at, one in enumerate(ids)]
    code = f"""
    {RUNS}
    def run(client, payload):
        experiment = create(client, payload)
        def examples(text):
            return [each.id for each in client.datasets.list_examples(dataset=payload["dataset"], filter=text).examples]
        def rows(text):
            page = client.experiments.list_runs(experiment=experiment.id, filter=text, limit=2)
            found = page.experiment_runs
            while page.pagination.has_more:
                cursor = page.pagination.next_cursor
                page = client.experiments.list_runs(experiment=experiment.id, filter=text, limit=2, cursor=cursor)
                found += page.experiment_runs
            assert [each.id for each in found] == sorted(each.id for each in found)
            return sorted(each.output for each in found)
        return (
            examples("n > 2"),
            examples("text = 't''1' OR (n = 0 AND NOT n = 1)"),
            examples(f"id = '{{payload['one']}}'"),
            rows(None),
            rows("eval.exact.score >= 0.5"),
            rows("output = '3'"),
            rows("latency IS NULL AND output != '0'"),
        )
    """
    payload = {"name": unique("x"), "dataset": made.id, "runs": runs, "one": ids[2]}
    assert sdk(code, payload) == [
        ids[3:],
        ids[:2],
        [ids[2]],
        ["0", "1", "2", "3", "4"],
        ["2", "3", "4"],
        ["3"],
        ["1", "2", "3", "4"],
    ]


async def test_an_experiment_of_theirs_is_read_by_ours(sdk: OfficialSdk, ours: Ours, unique: Unique) -> None:
    dataset = await ours("datasets.create", unique("set"), ROWS)
    ids = [each.id for each in await ours("datasets.examples", dataset.id)]
    rows = [
        {"example_id": one, "output": f"ö {one}", "score": 0.5, "label": "good", "why": "so", "latency": 1.5}
        for one in ids
    ]
    code = f"""
    {PLAIN}{RUNS}
    def run(client, payload):
        made = create(client, payload)
        # From a plain dict it takes the two fields that it knows, and leaves the others out.
        runs = [ExperimentRunInput.from_dict(each) for each in payload["more"]]
        more = client.experiments.append_runs(
            experiment=payload["name"], dataset=payload["dataset"], experiment_runs=runs
        )
        return plain(made), plain(more), plain(client.experiments.get(experiment=made.id))
    """
    name = unique("theirs")
    more = [{"example_id": ids[0], "output": "again", "nested": {"a": [None]}}]
    made, added, got = sdk(code, {"name": name, "dataset": dataset.id, "runs": rows, "more": more})
    found = await ours("experiments.get", name, dataset=dataset.name)
    facts = ("id", "name", "space_id", "dataset_id", "dataset_version_id", "integration_id")
    assert [got[fact] for fact in facts] == [getattr(found, fact) for fact in facts]
    assert (made["id"], added["id"]) == (found.id, found.id)
    assert same_moment(got["created_at"], found.created_at)
    runs = await ours("experiments.runs", found.id)
    assert [(run.example_id, run.output, run.error) for run in runs] == [
        *((one, f"ö {one}", None) for one in ids),
        (ids[0], "again", None),
    ]
    assert [run.id for run in runs][-1:] == added["run_ids"]
    evaluation = runs[0].evaluations["exact"]
    assert (evaluation.score, evaluation.label, evaluation.explanation) == (0.5, "good", "so")
    assert runs[-1].fields["nested"] == {"a": [None]}


async def test_an_experiment_of_ours_is_read_by_theirs(sdk: OfficialSdk, ours: Ours, unique: Unique) -> None:
    dataset = await ours("datasets.create", unique("set"), ROWS)
    ids = [each.id for each in await ours("datasets.examples", dataset.id)]
    rows = [{"example_id": one, "output": "out", "eval.a.score": 1.0, "eval.a.label": "yes"} for one in ids[:2]]
    rows.append({"example_id": ids[2], "output": "", "error": "it failed"})
    made = await ours("experiments.create", unique("ours"), runs=rows, dataset=dataset.id)
    code = f"""
    {PLAIN}
    def run(client, payload):
        dataset, name = payload
        listed = client.experiments.list(dataset=dataset, space="default", limit=1)
        found = client.experiments.get(experiment=name, dataset=dataset, space="default")
        runs = client.experiments.list_runs(experiment=name, dataset=dataset, space="default")
        return plain(listed.experiments), plain(found), plain(runs.experiment_runs)
    """
    listed, found, runs = sdk(code, [dataset.name, made.name])
    assert listed == [found]
    facts = ("id", "name", "space_id", "dataset_id", "dataset_version_id")
    assert [found[fact] for fact in facts] == [getattr(made, fact) for fact in facts]
    mine = {run.id: run for run in await ours("experiments.runs", made.id)}
    assert set(mine) == {run["id"] for run in runs}
    for run in runs:
        same = mine[run["id"]]
        assert (run["example_id"], run["output"], run["error"]) == (same.example_id, same.output, same.error)
        assert run.get("eval.a.score") == same.score("a")


async def test_what_they_delete_is_gone_for_ours(sdk: OfficialSdk, ours: Ours, unique: Unique) -> None:
    dataset = await ours("datasets.create", unique("set"), ROWS)
    ids = [each.id for each in await ours("datasets.examples", dataset.id)]
    rows = [{"example_id": ids[0], "output": "o"}]
    experiment = await ours("experiments.create", unique("x"), runs=rows, dataset=dataset.id)
    sdk("def run(client, payload): client.experiments.delete(experiment=payload)", experiment.id)
    assert await ours("experiments.list", dataset=dataset.id) == []
    sdk("def run(client, payload): client.datasets.delete(dataset=payload, space='default')", dataset.name)
    assert await ours("datasets.list", name=dataset.name) == []


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("client.datasets.get(dataset='RGF0YXNldDoxOnh4')", "NotFoundException"),
        (
            "[client.datasets.create(name=payload, space='default', examples=[{'a': 1}]) for _ in 'ab']",
            "ConflictException",
        ),
        ("client.datasets.create(name=' ', space='default', examples=[{'a': 1}])", "UnprocessableEntityException"),
        ("client.datasets.list(cursor='bad')", "BadRequestException"),
        ("type(client)(**{**payload_arguments(client), 'api_key': 'no'}).datasets.list()", "UnauthorizedException"),
    ],
)
async def test_a_refusal_is_the_exception_that_the_contract_names(
    sdk: OfficialSdk, unique: Unique, code: str, kind: str
) -> None:
    from tools.arize.official import OfficialError

    whole = f"""
    def payload_arguments(client):
        return {sdk.arguments()!r}

    def run(client, payload):
        {code}
    """
    with pytest.raises(OfficialError) as caught:
        sdk(whole, unique("refused"))
    assert caught.value.kind == kind


async def test_their_runner_stores_an_experiment_that_ours_reads(sdk: OfficialSdk, ours: Ours, unique: Unique) -> None:
    dataset = await ours("datasets.create", unique("run"), [{"question": str(number)} for number in range(3)])
    code = """
    from concurrent.futures import ThreadPoolExecutor

    import arize
    import grpc

    def run(client, payload):
        # Something has to take the spans: each task would wait eight seconds for it.
        taken = grpc.unary_unary_rpc_method_handler(lambda request, context: b"")
        spans = grpc.server(ThreadPoolExecutor(2))
        name = "opentelemetry.proto.collector.trace.v1.TraceService"
        spans.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {"Export": taken}),))
        port = spans.add_insecure_port("127.0.0.1:0")
        spans.start()
        own = arize.ArizeClient(
            api_key=payload["key"], api_host="127.0.0.1", api_port=payload["port"], api_scheme="http",
            otlp_host="127.0.0.1", otlp_port=port, otlp_scheme="http", flight_host="127.0.0.1", flight_port=1,
            flight_scheme="grpc+tcp", enable_caching=False,
        )
        try:
            made, frame = own.experiments.run(
                name=payload["name"],
                dataset=payload["dataset"],
                task=lambda dataset_row: "A " + dataset_row["question"],
                evaluators={"long": lambda output: len(output) / 10},
                force_http=True,
            )
        finally:
            spans.stop(None)
        return made.id, len(frame)
    """
    arguments = sdk.arguments()
    payload = {
        "key": arguments["api_key"],
        "port": arguments["single_port"],
        "name": unique("x"),
        "dataset": dataset.id,
    }
    experiment, rows = sdk(code, payload)
    assert rows == 3
    runs = await ours("experiments.runs", experiment)
    assert sorted(run.output for run in runs) == ["A 0", "A 1", "A 2"]
    assert {run.scores["long"] for run in runs} == {0.3}


@pytest.mark.parametrize(
    "code",
    [
        "client.prompts.list(space='default')",
        "client.annotation_configs.list(space='default')",
        "client.datasets.annotate_examples(dataset='RGF0YXNldDoxOnh4', annotations=[NOTE])",
        "client.experiments.annotate_runs(experiment='RXhwZXJpbWVudDoxOnh4', annotations=[NOTE])",
    ],
)
async def test_what_the_server_does_not_have_is_not_found(sdk: OfficialSdk, code: str) -> None:
    from tools.arize.official import OfficialError

    whole = f"""
    NOTE = {{"record_id": "a", "values": [{{"name": "n", "score": 1}}]}}

    def run(client, payload):
        {code}
    """
    with pytest.raises(OfficialError, match="There is no such route") as caught:
        sdk(whole)
    assert caught.value.kind == "NotFoundException"
