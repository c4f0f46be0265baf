# The tasks of this project. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
KEEP ?=
# Most tests wait for a telephone to ring, so there are more processes than a small machine has cores.
WORKERS ?= 3

.DEFAULT_GOAL := help
.PHONY: help setup lab demo test check audit format faults chaos fuzz simulation size bench soak deb debtwelve kills lock clean

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
	$(BIN)/mypy service tests/lab tests/audit
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/tidy

audit: setup ## what is known against the locked libraries (ADVISORIES=FOLDER: a copy of an advisory database; WRITE=1)
	$(BIN)/python -m tests.audit $(if $(ADVISORIES),--advisories $(ADVISORIES)) $(if $(WRITE),--write)

format: setup ## format and mend what the linter can
	$(BIN)/ruff format service tests
	$(BIN)/ruff check --fix service tests

faults: lab ## inject every fault with real calls and print the table of docs/reference/faults.md
	$(BIN)/python -m tests.lab.faults

size: lab ## measure a node with 100,000 DIDs, its growth, and fifty nodes on paper (DIDS=10000: a smaller one)
	$(BIN)/python -m tests.lab.size $(if $(DIDS),--dids $(DIDS))

bench: lab ## Ringfence beside Asterisk, Kamailio, AGI and Stasis: the figures of docs/reference/bench.md
	$(BIN)/python -m tests.lab.bench

soak: lab ## the work of HOURS hours in a hundredth of them: what grows, and whether every call got through
	$(BIN)/python -m tests.lab.soak --hours $(or $(HOURS),48) --seed $(or $(SEED),1)

chaos: lab ## kill the daemon KILLS times at random moments of its work, and compare everything after each start
	$(BIN)/python -m tests.lab.chaos --kills $(or $(KILLS),500) --seed $(or $(SEED),1)

fuzz: setup ## give every parser inputs that nobody would write, SECONDS of CPU for each (default 10)
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),10) --seed $(or $(SEED),1)

simulation: setup ## HOURS hours of faults drawn at random, on a fake clock
	$(BIN)/python -m tests.simulation --hours $(or $(HOURS),10000) --seed $(or $(SEED),1)

deb: ## build the Debian package for this Debian or Ubuntu into build/
	sh docker/debian/build.sh build

debtwelve: setup ## build the package on Debian 12 and look at it there, installed and purged
	RINGFENCE_LAB_SUITE=bookworm $(BIN)/python -m pytest -q tests/integration/test_deb.py

kills: setup ## kill `ringfence init`, `handover` and `remove` at each single write of theirs
	$(BIN)/python -m tests.lab.killed

lock: ## resolve the dependencies anew, with hashes and without any registry's name
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		pyproject.toml -o requirements/runtime.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--group dev pyproject.toml -c requirements/runtime.txt -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--group build -c requirements/dev.txt -o requirements/build.txt

clean: ## remove what the tasks made in the checkout (the lab's cache stays)
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache
