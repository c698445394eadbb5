"""The configuration of telemetry."""

from __future__ import annotations

from typing import Any

import pytest
from promptops.core import ConfigurationError, ValidationError
from promptops.telemetry import Telemetry, TelemetryConfig


def test_defaults_are_the_published_ones() -> None:
    config = TelemetryConfig()
    assert (config.enabled, config.sample_rate, config.batch_size, config.flush_interval) == (True, 0.1, 512, 5.0)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"sample_rate": -0.1}, "sample_rate"),
        ({"sample_rate": 1.1}, "sample_rate"),
        ({"sample_rate": float("nan")}, "sample_rate"),
        ({"sample_rate": "all"}, "sample_rate"),
        ({"sample_rate": True}, "sample_rate"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 513}, "batch_size"),
        ({"batch_size": 1.5}, "batch_size"),
        ({"flush_interval": 0}, "flush_interval"),
        ({"flush_interval": float("inf")}, "flush_interval"),
    ],
)
def test_a_value_out_of_range_is_named(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError, match=field) as caught:
        TelemetryConfig(**settings)
    assert [problem["field"] for problem in caught.value.validation_errors] == [field]


@pytest.mark.parametrize("rate", [-0.01, 1.01, float("nan"), float("inf"), None, "0.5", True])
def test_enable_refuses_a_rate_that_is_none(rate: Any) -> None:
    telemetry = Telemetry()
    with pytest.raises(ValidationError, match="sample_rate"):
        telemetry.enable(rate)
    assert telemetry.summary().sample_rate == 0.1


def test_enable_without_a_rate_takes_the_default_of_the_configuration() -> None:
    telemetry = Telemetry(TelemetryConfig(enabled=False, sample_rate=1.0))
    telemetry.enable()
    assert (telemetry.enabled, telemetry.summary().sample_rate) == (True, TelemetryConfig().sample_rate)


def test_telemetry_that_was_shut_down_cannot_be_enabled() -> None:
    telemetry = Telemetry()
    telemetry.shutdown()
    with pytest.raises(ConfigurationError, match="shut down"):
        telemetry.enable(1.0)
    with pytest.raises(ConfigurationError, match="shut down"):
        telemetry.reconfigure(TelemetryConfig())
