PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
RUN := runs/quickstart/demo
# Files of passed tests are removed at once, because runs and their weights would fill a small disk.
SIDE_BY_SIDE := --numprocesses auto --maxprocesses 4 --dist loadfile -o tmp_path_retention_policy=failed
CLEANROOM := $(PYTHON) lowest-direct wheel

.DEFAULT_GOAL := help
.PHONY: help demo test check fast robustness cleanroom format clean docs

help: ## Show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

demo: $(INSTALLED) ## Train and evaluate the quickstart on drawn faces
	rm -rf $(RUN)
	$(BIN)/ssltoolbox train recipes/quickstart.yaml --out $(RUN)

test: check ## Format, lint, types, import contracts, and all tests
	$(BIN)/pytest -q -m 'not slow' --durations=10 $(SIDE_BY_SIDE)
	$(BIN)/pytest -q -m slow --durations=10 $(SIDE_BY_SIDE) --maxprocesses 2

check: $(INSTALLED) ## Format, lint, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fast: check ## make check, and the tests that take seconds
	$(BIN)/pytest -q -m 'not slow' $(SIDE_BY_SIDE)

robustness: $(INSTALLED) ## All cases of tests/robustness: kills, faults, fuzzing, a long run (an hour or two)
	$(BIN)/pytest -q tests/robustness --robustness

cleanroom: $(INSTALLED) ## Fast tests on an installed package: lowest versions, no network, no writable home
	$(BIN)/python -m pip install --quiet uv
	PATH="$(CURDIR)/$(BIN):$$PATH" .ci/cleanroom.sh $(CLEANROOM)

format: $(INSTALLED) ## Format and sort imports
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(INSTALLED) ## Build the documentation into site/
	$(BIN)/mkdocs build --strict

clean: ## Remove the environment and all builds
	rm -rf $(VENV) build dist site
