"""Telemetry of the PromptOps client: events, batches and exporters."""
