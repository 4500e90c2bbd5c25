# Everything runs in .venv; `make help` lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help venv demo test fast lint format docs lock clean

PYTHON ?= python3
WORKERS ?= 2
PYTEST_ARGS ?=

BIN := .venv/bin
STAMP := .venv/.installed
PLUGINS := $(patsubst %/setup.cfg,%,$(sort $(wildcard plugins/*/setup.cfg)))
PARTS := ./datasets $(addprefix ./,$(PLUGINS))

SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTEST := $(BIN)/python -m pytest
# Tests marked `alone` don't share the machine with others, so they belong to a pass of their own.
QUICK := not slow and not alone
SLOW := slow and not alone
# Tests that share what they train belong to one group, which one worker runs.
SPREAD := -n $(WORKERS) --dist loadgroup
# pytest ends with 5 where no test was selected, which is no failure in a pass that may be empty.
MAY_BE_EMPTY := || [ $$? -eq 5 ]

# The variable silences an advertisement of mkdocs-material.
SITE := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

LOCK := printf '%s\n' '-e .[cpu,dev,docs,onnx,tensorboard]' $(PARTS:%='-e %') | uv pip compile --quiet --universal \
--python-version 3.11 --no-annotate --no-header --no-emit-package gankit --no-emit-package gankit-datasets \
$(PLUGINS:plugins/%=--no-emit-package gankit-%) -

help:  ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile
	@echo "Variables: PYTHON=$(PYTHON) (3.11 to 3.13), WORKERS=$(WORKERS), PYTEST_ARGS='-k name'"

venv: $(STAMP)  ## Create .venv, or reuse it, with gankit and every plugin, editable
	@:

$(STAMP): constraints.txt setup.cfg datasets/setup.cfg $(PLUGINS:%=%/setup.cfg)
	@if ! { $(BIN)/python -c '$(SUPPORTED)' && $(BIN)/python -m pip --version; } >/dev/null 2>&1; then \
		command -v $(PYTHON) >/dev/null || { echo "error: there is no $(PYTHON)" >&2; \
			echo "hint: name a Python 3.11, 3.12 or 3.13: make venv PYTHON=python3.12" >&2; exit 1; }; \
		$(PYTHON) -c '$(SUPPORTED)' || { echo "error: gankit needs Python 3.11, 3.12 or 3.13; $(PYTHON) is" \
			"$$($(PYTHON) -c 'import platform; print(platform.python_version())')" >&2; \
			echo "hint: name another one: make venv PYTHON=python3.12" >&2; exit 1; }; \
		$(PYTHON) -m venv --clear .venv; \
	fi
	@echo "Installing gankit into .venv: some minutes and 2 GB the first time"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[cpu,dev,docs,onnx]' $(PARTS:%=-e %)
	@touch $@

demo: venv  ## Train SRGAN for two minutes on photographs that are already installed
	@$(BIN)/gankit run srgan --max-minutes 2

test: venv  ## All tests: the fast ones, the slow ones, then those that must be alone
	@$(PYTEST) -m "$(QUICK)" --doctest-modules $(SPREAD) $(PYTEST_ARGS) $(if $(PYTEST_ARGS),$(MAY_BE_EMPTY))
	@$(PYTEST) -m "$(SLOW)" $(SPREAD) $(PYTEST_ARGS) $(MAY_BE_EMPTY)
	@$(PYTEST) -m alone $(PYTEST_ARGS) $(MAY_BE_EMPTY)

fast: venv  ## The fast tests only, and the examples of docstrings
	@$(PYTEST) -m "$(QUICK)" --doctest-modules $(SPREAD) $(PYTEST_ARGS)

lint: venv  ## Style, formatting, types, declared dependencies, and the pages of docs/
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/python .ci/declared.py
	@$(SITE)

format: venv  ## Put the code into the house's format
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

docs: venv  ## The documentation site, in site/; without network, and no warning is let pass
	@$(SITE)
	@echo "site/index.html; with search: $(BIN)/python -m http.server -d site"

lock:  ## Resolve constraints.txt anew for every supported Python
	@PATH="$(CURDIR)/$(BIN):$$PATH"; \
	command -v uv >/dev/null || { echo "error: there is no uv" >&2; \
		echo "hint: $(BIN)/python -m pip install uv" >&2; exit 1; }; \
	{ echo "# Versions that gankit is tested with. Made by 'make lock':"; \
	  printf '#   %s\n' "$(LOCK)"; $(LOCK); } > constraints.txt.new || { rm constraints.txt.new; exit 1; }
	@mv constraints.txt.new constraints.txt

clean:  ## Remove caches and build products; .venv and runs/ stay
	@rm -rf build dist site .pytest_cache .mypy_cache .ruff_cache
	@find . -path ./.venv -prune -o -path ./runs -prune -o -type d \( -name __pycache__ -o -name '*.egg-info' \) \
		-exec rm -rf {} +
