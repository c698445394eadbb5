"""Replay the recorded answers of four language models to 1,319 maths problems, score them, and compare the models.

The file has one JSON object per line: ``question``, ``ground_truth``, and for each model ``{"solution": ...}``. Each
model becomes an experiment whose task replays its recorded solution; the number after the last ``A:`` is the answer.
Then two of the models are compared in detail, with every problem that got worse, and all of them pair by pair.
"""

from __future__ import annotations

import argparse
import json
import sys
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from promptops.client import DatasetExample, SyncPromptOpsClient
from promptops.experiments import ExperimentResult, Gate, compare, compare_many, numeric_match, write_html_report

MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
BASELINE, CANDIDATE = "6b_verification", "175b_verification"
GATES = [Gate(metric="correct", min_improvement=0.1), Gate(metric="correct", min_mean=0.5)]


def problems_of(path: Path) -> list[dict[str, Any]]:
    """Read the problems, and refuse a file of another kind."""
    with path.open(encoding="utf-8") as lines:
        problems = [json.loads(line) for line in lines if line.strip()]
    needed = {"question", "ground_truth", *MODELS}
    for number, problem in enumerate(problems, 1):
        if missing := needed - problem.keys():
            raise SystemExit(f"{path}, line {number}: missing {', '.join(sorted(missing))}")
    return problems


def replay(client: SyncPromptOpsClient, problems: list[dict[str, Any]]) -> dict[str, ExperimentResult]:
    """Upload the problems as a dataset, and run one experiment for each model."""
    dataset = client.datasets.create(
        f"gsm8k-{uuid.uuid4().hex[:8]}",
        [{"question": problem["question"], "ground_truth": problem["ground_truth"]} for problem in problems],
    )
    recorded = {problem["question"]: problem for problem in problems}
    results: dict[str, ExperimentResult] = {}
    for model in MODELS:

        def solution(example: DatasetExample, model: str = model) -> str:
            return str(recorded[example["question"]][model]["solution"])

        results[model] = client.experiments.run(
            model,
            dataset=dataset.id,
            task=solution,
            evaluators=numeric_match("ground_truth", after="A:", name="correct"),
            metadata={"model": model},
        )
    return results


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("solutions", type=Path, help="the file model_solutions.jsonl")
    parser.add_argument("--url", help="a running server; without it, one is started for the time of the example")
    parser.add_argument("--report", type=Path, help="write an HTML report to this file")
    arguments = parser.parse_args()
    problems = problems_of(arguments.solutions)
    with ExitStack() as stack:
        url = arguments.url
        if url is None:
            from promptops.server import EmbeddedServer

            url = stack.enter_context(EmbeddedServer()).url
        client = stack.enter_context(SyncPromptOpsClient(base_url=url))
        results = replay(client, problems)
    out = sys.stdout
    for model, result in results.items():
        correct = sum(row.score("correct") == 1 for row in result.rows)
        metric = result.metrics["correct"]
        out.write(
            f"{model}: {correct} of {len(result.rows)} correct, 95% interval {metric.low:.4f} to {metric.high:.4f}\n"
        )
    comparison = compare(results[BASELINE], results[CANDIDATE], gates=GATES)
    out.write(f"\n{comparison}\n")
    difference = comparison["correct"]
    if (test := difference.test) is not None:
        out.write(
            f"\n{CANDIDATE} against {BASELINE}: difference {test.difference:.4f}, 95% interval {test.low:.4f} to "
            f"{test.high:.4f} ({test.interval}), {test.method} p = {test.p_value:.12g}\n"
        )
    out.write(f"\nthe {len(difference.worse)} regressions:\n")
    for pair in difference.worse:
        out.write(f"  {pair.key.example_id}  {comparison.headline(pair.key)}\n")
    out.write(f"\nall pairs:\n\n{compare_many(results)}\n")
    if arguments.report is not None:
        path = write_html_report([*results.values(), comparison], arguments.report, title="GSM8K: four models")
        out.write(f"\nreport: {path}\n")


if __name__ == "__main__":
    main()
