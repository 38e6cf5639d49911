# The few verbs of this project, the same by hand and in CI. `make` alone lists them.
#
# PYTHON=python3.13 make setup   another interpreter (after `make clean`)
# UPGRADE=1 make lock            the newest versions that pyproject.toml allows
# BENCH= make bench              without the ledger of a million devices

PYTHON ?= python3
UV_VERSION := 0.13.9

BIN := .venv/bin
READY := .venv/.ready
BENCH ?= --large
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-federation serve test test-all check bench lock clean
# One recipe at a time: servers and benchmarks would otherwise disturb each other.
.NOTPARALLEL:
.DELETE_ON_ERROR:

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## Make .venv, with the `tetrad` command in it

# Written last, so that a set-up that was interrupted is done again.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Tetrad needs Python 3.11 or newer: make setup PYTHON=/path/to/python3' >&2; exit 1; }
	@echo 'Setting up .venv (once)'
	@$(PYTHON) -m venv .venv
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## Run the main job: a city registered, resolved, proved and audited
	@$(BIN)/tetrad demo

demo-federation: setup  ## Run three nodes and a recursive resolver that knows their root alone
	@$(BIN)/tetrad demo --federation

serve: setup  ## Serve a registry from ./city (a sandbox at first)
	@$(BIN)/tetrad serve --data ./city

test: setup  ## Run the tests, except the slow ones
	$(BIN)/python -m pytest -q -rs -n auto --dist loadfile -m 'not slow'

test-all: test  ## Run all tests
	$(BIN)/python -m pytest -q -rs -m slow

check: setup  ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup  ## Measure, print a table and write bench.json (BENCH= leaves the million out)
	@$(BIN)/tetrad bench $(BENCH) --out bench.json

# uv resolves for all platforms and Python versions at once; nothing else uses it, so it comes and
# goes. The lock names versions and hashes only: where to download from is the reader's affair.
lock:  ## Pin the dependencies of pyproject.toml in requirements.lock
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip --quiet --disable-pip-version-check install uv==$(UV_VERSION)
	@build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --extra dev \
		--generate-hashes --custom-compile-command "make lock" --no-annotate --no-emit-index-url --no-emit-find-links \
		$(if $(UPGRADE),--upgrade) --output-file requirements.lock pyproject.toml
	@rm -rf build/lock

clean:  ## Remove what make made, except the data in ./city
	@rm -rf .venv .venv-interop .venv-witness build .hypothesis .mypy_cache .pytest_cache .ruff_cache *.egg-info
	@find identity registry resolver tests -name __pycache__ -prune -exec rm -rf {} +
