"""The example for Phoenix servers finds which version of its prompt is better, and leaves that in production."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from promptops.phoenix import SyncPhoenixClient

EXAMPLE = Path(__file__).parents[3] / "examples" / "phoenix_experiment.py"


@pytest.mark.parametrize("authenticated", [False, True], ids=["open", "with a key"])
def test_the_example_moves_the_better_version_to_production(
    authenticated: bool, request: pytest.FixtureRequest, unique: Callable[..., str]
) -> None:
    if authenticated:
        server = request.getfixturevalue("phoenix_auth")
        url, key = server.url, server.secret
    else:
        url, key = request.getfixturevalue("phoenix_url"), None
    name = unique("sums")
    command = [sys.executable, "-W", "error", str(EXAMPLE), "--url", url, "--name", name]
    command += [] if key is None else ["--key", key]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "candidate compared with production: 4 pairs" in ran.stdout
    assert "correct: 4 better" in ran.stdout
    with SyncPhoenixClient(base_url=url, api_key=key) as client:
        assert {found.name for found in client.experiments.list(dataset=name)} == {"production", "candidate"}
        labels = {label.label: label.version for label in client.prompts.labels(name)}
        assert labels["production"] == labels["candidate"]
        assert f"version {labels['candidate']} of {name} is in production" in ran.stdout
        assert ran.stdout.splitlines()[-1] == client.experiments.url(experiment="candidate", dataset=name)
