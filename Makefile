# Everything runs in .venv, from the versions pinned in constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help quickstart test lint format perf perf-recording docs clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch torchvision
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	touch $@

quickstart: $(READY)  ## baseline, V-Reason and V-Reason Lite on the embedded demo: a few minutes on 2 cores
	$(BIN)/vreason-track run --config configs/quickstart.yaml

test: $(READY)  ## the whole suite
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

lint: $(READY)  ## ruff (format and rules), mypy --strict, import-linter
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)  ## format the whole tree, and fix what ruff can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

perf: $(READY)  ## control's cost on this CPU
	$(BIN)/python perf/control_overhead.py

perf-recording: $(READY)  ## what the record costs: W&B beside it is installed for that; half an hour
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[perf]"
	$(BIN)/python perf/recording.py
	$(BIN)/python perf/delivery.py
	$(BIN)/python perf/run_overhead.py
	$(BIN)/python perf/recorder_memory.py

docs: $(READY)  ## docs/cli.md, docs/config.md, docs/metrics.md and docs/card.schema.json, out of the code
	$(BIN)/python -m vreason_cli.reference docs/cli.md
	$(BIN)/python -m vreason_tracking.records.metrics_page docs/metrics.md
	$(BIN)/python -m vreason_tracking.settings.config_page docs/config.md
	$(BIN)/python -m vreason_tracking.cards.schema_page docs/card.schema.json

clean:  ## remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
