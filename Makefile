# Index Networks, the course. `make` says what there is to do.

PYTHON ?= python3
PROFILE ?= smoke
TORCH ?=
WORKERS ?= 2
THREADS ?= 2
QUICK ?=

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# A file's tests stay in one process: what they share is made once. Files begin in the order of
# tests/conftest.py. (xdist_group does nothing where pytest is 9.2 and pytest-xdist 3.8.)
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
CPU_INDEX := https://download.pytorch.org/whl/cpu

.DEFAULT_GOAL := help
.PHONY: help setup course lab lint check test bench clean

help:
	@echo "make setup    make the environment .venv from requirements.lock, once"
	@echo "              TORCH=cpu      PyTorch without CUDA, a much smaller download on Linux"
	@echo "              PYTHON=python3 the interpreter to make it with, 3.11 or newer"
	@echo "make course   run every notebook into build/course/"
	@echo "              PROFILE=smoke  smoke, cpu or gpu"
	@echo "make lab      open the course in JupyterLab"
	@echo "make check    lint, style and types, and every test that takes only seconds"
	@echo "make test     lint, check types and run every test, the notebooks and the browser included"
	@echo "              WORKERS=2      test processes, of make check as well"
	@echo "make bench    time operators, training steps, scaling and the course into build/bench/"
	@echo "              QUICK=1        small sizes, about two minutes"
	@echo "              THREADS=2      PyTorch's threads"
	@echo "make clean    remove what make and the tests wrote, .venv excepted"

setup: $(READY)
	@echo "setup: $(VENV) is ready"

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "setup: $(PYTHON) is missing or older than Python 3.11; name a newer one: make setup PYTHON=python3.12"; \
	  exit 1; }
	@[ -x $(BIN)/python ] || { echo "setup: making $(VENV) with $$($(PYTHON) --version)"; $(PYTHON) -m venv $(VENV); }
ifeq ($(TORCH),cpu)
	@echo "setup: installing PyTorch for the CPU, from its own index"
	@$(BIN)/python -m pip install --no-deps --extra-index-url $(CPU_INDEX) $(shell head -n 1 requirements.lock)
endif
	@echo "setup: installing what requirements.lock pins; the first time takes minutes"
	@$(BIN)/python -m pip install -r requirements.lock
	@echo "setup: installing the course itself, editable"
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

course: setup
	@echo "course: running every notebook with profile $(PROFILE) into build/course/$(PROFILE)"
	@$(BIN)/indexnet-edu run --profile $(PROFILE) --out build/course/$(PROFILE)

lab: setup
	@echo "lab: opening the course in JupyterLab; stop it with Ctrl-C"
	@$(BIN)/indexnet-edu lab

check: lint
	@echo "check: pytest with $(WORKERS) processes, one thread each, without what is slow"
	@$(PYTEST) -m "not slow and not notebook and not browser"

lint: setup
	@echo "lint: ruff, style"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@echo "lint: mypy, types"
	@$(BIN)/mypy

test: lint
	@$(BIN)/python -m indexnet_edu.course.chromium >/dev/null || { \
	  echo "test: no Chromium found; trying Playwright's own build"; \
	  $(BIN)/playwright install chromium >/dev/null 2>&1 \
	    || echo "test: it cannot be downloaded; the browser tests are left out and listed at the end"; }
	@echo "test: pytest with $(WORKERS) processes, one thread each"
	@$(PYTEST)

bench: setup
	@for subject in operators training scaling course; do \
	  echo "bench: $$subject"; \
	  $(BIN)/python -m benchmarks.$$subject --threads $(THREADS) $(if $(QUICK),--quick) || exit 1; \
	done
	@echo "bench: tables and plots are in build/bench/"

clean:
	@echo "clean: removing build/, dist/ and the caches of the tools"
	@rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name $(VENV) -prune -o -type d \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +
