# The tasks of this project. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
KEEP ?=
# Most tests wait for a telephone to ring, so there are more processes than a small machine has cores.
WORKERS ?= 4

.DEFAULT_GOAL := help
.PHONY: help setup lab demo test check format faults lock clean

help: ## list the tasks
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(VENV)/.ready: requirements/dev.txt pyproject.toml tests/setup.sh
	PYTHON="$(PYTHON)" sh tests/setup.sh $(VENV)

setup: $(VENV)/.ready ## make the Python environment (.venv) from the locked, hashed requirements

lab: setup ## find or build the private Asterisk (cached between runs)
	$(BIN)/python -m tests.lab.provision

demo: lab ## watch a real Asterisk lose its platform in mid-traffic (KEEP=1 leaves it running)
	$(BIN)/python -m tests.lab.demo $(if $(KEEP),--keep)

test: lab ## every test, against a real Asterisk (WORKERS=0: one after the other)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

check: setup ## format, lint, types, import contracts, tidy tests
	$(BIN)/ruff format --check service tests
	$(BIN)/ruff check service tests
	$(BIN)/mypy service tests/lab
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/tidy

format: setup ## format and mend what the linter can
	$(BIN)/ruff format service tests
	$(BIN)/ruff check --fix service tests

faults: lab ## inject every fault with real calls and print the table of docs/reference/faults.md
	$(BIN)/python -m tests.lab.faults

lock: ## resolve the dependencies anew, with hashes and without any registry's name
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		pyproject.toml -o requirements/runtime.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--group dev pyproject.toml -c requirements/runtime.txt -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--group build -c requirements/dev.txt -o requirements/build.txt

clean: ## remove what the tasks made in the checkout (the lab's cache stays)
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache
