# Everything runs in the workspace environment, which `uv run` makes and keeps current.
UV ?= uv
RUN := $(UV) run
TOX := $(RUN) tox run

.DEFAULT_GOAL := help
.PHONY: help setup fmt check test integration browser interop-arize packaging gen bench bench-peers soak

help: ## Print these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Make the environment: every package, editable, and the tools
	$(UV) sync --locked

fmt: ## Format the code and fix what ruff can fix
	$(RUN) ruff check --fix
	$(RUN) ruff format

check: ## Lint, both type checkers, and staleness of schema and generated models
	$(TOX) -e lint,types,schema-check

test: ## Every test that needs no clean environments, on all cores
	$(RUN) pytest -n auto

integration: ## Only the tests that start real servers
	$(RUN) pytest -n auto tests/integration

browser: ## The HTML report in a real Chromium without a window (Debian: apt-get install chromium)
	$(RUN) --group browser pytest tests/browser

interop-arize: ## The official `arize` SDK against our server (installs it under build/: 330 MB, 1 to 30 s; then 15 s)
	$(RUN) pytest tests/interop/arize

packaging: ## Build every wheel, install each alone, and run each package's own tests against its wheel
	$(TOX) -e packaging,core,models,cache,cache-disk,cache-redis,telemetry,prompts,experiments,phoenix,client,server,cli

gen: ## Write the OpenAPI schema, the client's models, and those of the Phoenix package
	$(TOX) -e build_openapi_schema,openapi_codegen_for_python_client,openapi_codegen_for_phoenix

bench: ## Measure ours beside plain httpx + msgspec and aiohttp, in one run
	$(RUN) --group bench python -m benchmarks

bench-peers: ## Measure beside other clients, each in an environment under build/: rendering, cached get, runs on Phoenix
	$(RUN) --group bench python -m benchmarks.peers
	$(RUN) --group bench python -m benchmarks.peers.cached_get
	$(RUN) --group bench python -m benchmarks.peers.phoenix_runner

soak: ## The long forms of the tests (PROMPTOPS_SOAK=1): more rounds, more children, more examples
	PROMPTOPS_SOAK=1 $(RUN) pytest -n auto
