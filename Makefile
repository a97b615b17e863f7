# make help lists the targets. Each starts from nothing: what it needs is made first.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO := runs/demo
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all test-slow test-processors test-processors-quick screenshot bench lint hooks format clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-22s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready  ## make the virtual environment with locked dependencies, FluidSynth and a soundfont
	@scripts/install-fluidsynth.sh $(BIN)/python

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "error: $(PYTHON) is older than Python 3.11; name another with make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	    { echo "error: no virtual environment; on Debian and Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@# W&B's own check of sweep files, for the tests: it asks for NumPy 1, and what is used of it works with 2.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps sweeps==0.3.0
	@touch $@

demo: setup  ## train TS-DSAE on rendered melodies and show what it learnt, in under 15 minutes on two cores
	$(BIN)/disentangle fit -c ts_dsae -c presets/demo
	$(BIN)/disentangle test --run $(DEMO)
	$(BIN)/disentangle report $(DEMO)
	@echo
	@echo "Open $(DEMO)/report.html in a browser to listen: every melody on every instrument, beside the originals."
	@echo "The same as files: $(DEMO)/media/test/*_global_swap.wav beside *_source.wav, and spectrograms.png"

test: setup  ## run the tests
	@scripts/install-chromium.sh
	$(BIN)/python -m pytest -n $(JOBS)

test-all: setup  ## run the tests, the slow ones too
	@scripts/install-chromium.sh
	$(BIN)/python -m pytest -n $(JOBS) -m ''

test-slow: setup  ## run the slow tests alone (a quarter of an hour)
	@scripts/install-chromium.sh
	$(BIN)/python -m pytest -n $(JOBS) -m slow

test-processors: setup  ## run the numerical tests with the kernels and threads of other processors (20 minutes)
	$(BIN)/python scripts/test_processors.py --jobs $(JOBS)

test-processors-quick: setup  ## run some of them under one such setting (a minute)
	$(BIN)/python scripts/test_processors.py --jobs $(JOBS) --quick

screenshot: setup  ## make the README's picture of the demo's report, with Chromium
	@scripts/install-chromium.sh
	$(BIN)/python scripts/screenshot_report.py $(DEMO)/report.html docs/images/report.png

bench: setup  ## time the start of commands, the information metrics, and the loading of notes (minutes)
	$(BIN)/python -m benchmarks

lint: setup  ## check style, docstrings and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

hooks: setup  ## check style and types at each commit, with pre-commit
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pre-commit
	$(BIN)/pre-commit install

format: setup  ## format the code
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

clean:  ## remove the virtual environment, runs and caches of tools (rendered audio stays in the user's cache)
	rm -rf $(VENV) runs build *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
