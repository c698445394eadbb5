"""Make a dataset, run an experiment over it, and read its score: blocking code.

Start a server first: ``promptops serve``.
"""

import os

from promptops.client import DatasetExample, SyncPromptOpsClient


def add(example: DatasetExample) -> str:
    """The task: what is to be tried on every example."""
    return str(example["a"] + example["b"])


def correct(output: str, expected: str) -> bool:
    """The evaluator: how an output is scored."""
    return output == expected


with SyncPromptOpsClient(base_url=os.environ.get("PROMPTOPS_BASE_URL", "http://127.0.0.1:8765")) as client:
    sums = [{"a": 1, "b": 2, "expected": "3"}, {"a": 2, "b": 2, "expected": "4"}]
    client.datasets.create("sums", sums)
    result = client.experiments.run("adder", dataset="sums", task=add, evaluators=[correct])
    print(result)
