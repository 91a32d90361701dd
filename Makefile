# How this repository is worked with; `make` alone lists what can be asked for.
# Needed: make and a Python of at least 3.11 with its venv module. Everything else goes into .venv.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
CONFORMANCE := var/conformance-venv
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
JOBS ?= auto
# A file's tests stay together; each worker starts servers of its own, so that more than four gain nothing.
PYTEST := $(BIN)/pytest --numprocesses $(JOBS) --maxprocesses 4 --dist loadfile

# 3.11 first: the versions in constraints.txt were tried with it.
NEW_ENOUGH := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3.14 python3,\
	$(if $(shell $(name) -c '$(NEW_ENOUGH)' 2>/dev/null && echo yes),$(name))))

define need-python
	@$(or $(PYTHON),false) -c '$(NEW_ENOUGH)' 2>/dev/null || { echo "Needed: Python 3.11 or newer with its venv module" \
		"(Debian, Ubuntu: apt-get install python3 python3-venv), or name one: make setup PYTHON=/path/to/python3" >&2; exit 1; }
endef

.PHONY: help setup demo run test check fix test-real fuzz bench lock wheel clean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP)  ## make .venv with the program and its tools, in the versions of constraints.txt

$(STAMP): pyproject.toml constraints.txt
	$(need-python)
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "installing into $(VENV), $$($(BIN)/python --version)"
	@$(PIP) install --constraint constraints.txt pip setuptools
	@$(PIP) install --constraint constraints.txt --no-build-isolation --editable . --group dev
	@touch $@

demo: $(STAMP)  ## publish the sample notices on practice channels, show log and counts
	$(BIN)/publisher demo

run: $(STAMP)  ## run the program on practice channels, its folders in var/run (end it with Ctrl-C)
	$(BIN)/publisher run --practice --data var/run

test: $(STAMP)  ## run the tests on every core (KILLS=12: how often the program is killed in its work; JOBS=0: one after the other)
	KILLS=$${KILLS:-12} $(PYTEST)

check: $(STAMP)  ## everything that must hold: format, lint, types, arrows between modules, tests with 60 kills, on PostgreSQL too
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	KILLS=$${KILLS:-60} $(PYTEST)
	DATABASE=postgresql KILLS=20 $(PYTEST) tests/contract tests/integration tests/e2e/test_kills.py

fix: $(STAMP)  ## put format, imports and simple findings of the linter right
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

test-real: $(STAMP) $(CONFORMANCE)/.ready  ## run the tests that need system packages, after installing these (apt-get, as root)
	@echo "installing: $$(tr '\n' ' ' < tests/system-packages.txt)"
	@apt-get -qq -o Acquire::Retries=3 update
	@PATH="$$PATH:/usr/sbin:/sbin" DEBIAN_FRONTEND=noninteractive xargs apt-get -qq -o Acquire::Retries=3 install --yes --no-install-recommends < tests/system-packages.txt > /dev/null
	$(BIN)/pytest -m real $$(grep -rlE '^ *(pytestmark *=.*|@)pytest\.mark\.real\b' tests --include='test_*.py')

$(CONFORMANCE)/.ready: tests/real/conformance.txt
	$(need-python)
	@echo "installing into $(CONFORMANCE), which is no part of the program"
	@$(PYTHON) -m venv --clear $(CONFORMANCE)
	@$(CONFORMANCE)/bin/python -m pip --disable-pip-version-check -qq install --requirement tests/real/conformance.txt
	@touch $@

fuzz: $(STAMP)  ## spoil FUZZ files of every format and read them (FUZZ=10000; in `make test` 300); new examples of properties
	FUZZ=$${FUZZ:-10000} $(BIN)/pytest tests/fuzz $$(grep -rlE '^from hypothesis' tests/unit)

bench: $(STAMP)  ## measure speed (never part of the tests)
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench.rules

lock:  ## write constraints.txt anew with the newest versions that pyproject.toml allows
	$(need-python)
	@PYTHON=$(PYTHON) bash .ci/lock

wheel: $(STAMP)  ## build the wheel into dist/
	$(BIN)/python -m build --wheel --no-isolation
	@ls dist/*.whl

clean:  ## remove .venv, var/, dist/ and caches (var/ holds practice ledgers only)
	rm -rf $(VENV) var build dist ./*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
