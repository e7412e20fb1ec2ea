# Everything that can be done with this repository. `make` alone lists it.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# The Python that the environment is made from: 3.11 or newer.
PYTHON ?= python3
# Passed on to pytest: make test ARGS="-k claim -x"
ARGS ?=
# Processes that share the tests, each with Redis servers of its own. Half of the time tests wait: more than there are cores.
JOBS ?= 3

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
LOCKED := $(VENV)/.locked
INSTALLED := $(VENV)/.installed
BENCH := $(VENV)/.bench
UV := uv==0.13.9

.PHONY: help
help:
	@echo "gameball-shipper: make TARGET"
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=python3.12 chooses the interpreter; ARGS goes to pytest: make test ARGS='-k claim -x'"

##@ Set up

.PHONY: install
install: system $(INSTALLED) ## Make .venv with all that tests and demo need; quick when nothing changed

# What pip cannot bring. Asked every time, since it takes no time and may have changed.
.PHONY: system
system:
	@sh scripts/system.sh $(PYTHON)

# A changed lock makes the environment anew, so that nothing stays that the lock does not name. Only wheels: a
# source build would fetch build tools that no hash guards.
$(LOCKED): requirements.lock | system
	$(PYTHON) -m venv --clear $(VENV)
	$(PIP) install --quiet --require-hashes --only-binary :all: --requirement requirements.lock
	@touch $@

$(INSTALLED): $(LOCKED) pyproject.toml
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# The other task queues: nothing but `make bench` needs them. Gone with the environment when that is made anew.
$(BENCH): requirements-bench.lock $(INSTALLED)
	$(PIP) install --quiet --require-hashes --only-binary :all: --requirement requirements-bench.lock
	@touch $@

# The second lock is the part of the first that the image is built from: no tests, no embedded server. The third is
# what `make bench` adds.
.PHONY: lock
lock: system ## Pin what pyproject.toml allows in all locks; ARGS=--upgrade takes the newest
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet $(UV)
	$(PY) -m uv pip compile pyproject.toml --extra all --extra test --group build --output-file requirements.lock \
		--universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
		--custom-compile-command "make lock" --quiet $(ARGS)
	$(PY) -m uv pip compile pyproject.toml --extra encryption --extra otel --extra web --group build \
		--constraint requirements.lock --output-file requirements-runtime.lock --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-emit-index-url --custom-compile-command "make lock" --quiet
	$(PY) -m uv pip compile pyproject.toml --extra bench \
		--constraint requirements.lock --output-file requirements-bench.lock --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-emit-index-url --custom-compile-command "make lock" --quiet $(ARGS)

##@ See it run

.PHONY: demo
demo: install ## Ship a shop's events through real parts, with faults, in half a minute; ARGS="--events 500"
	@$(VENV)/bin/shipper demo $(ARGS)

.PHONY: up
up: install ## Run Redis, a sandbox and workers here until Ctrl-C
	@$(VENV)/bin/shipper up $(ARGS)

##@ Before a commit

.PHONY: check
check: install ## Formatting, lint, types, and what is deployed: compose file and Dockerfile
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(PY) -m check_jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(VENV)/bin/hadolint Dockerfile

.PHONY: test
test: install ## Every test against real Redis and Valkey servers
	$(PY) -m pytest --numprocesses $(JOBS) $(ARGS)

# Not part of `make test`: tracing took a third of the time of tests that compute, and nothing is decided by it.
.PHONY: coverage
coverage: install ## The same tests, and which branches they take; longer
	$(PY) -m pytest --numprocesses $(JOBS) --cov --cov-report term $(ARGS)

##@ Evidence

.PHONY: bench
bench: install $(BENCH) ## Measure all beside what others use and write docs/performance.md; ARGS=--quick, --help or parts by name
	@$(PY) -m benchmarks $(ARGS)

.PHONY: faults
faults: install ## Break everything and write docs/reliability.md, within 90 minutes; ARGS=--quick: in ten; ARGS=--help
	@$(PY) -m tests.faults $(ARGS)

.PHONY: walk
walk: install ## Put 20,000 dead letters right in a terminal and on the page, with pictures, in ten minutes; ARGS=--help
	@$(PY) -m tests.walk $(ARGS)

.PHONY: clean
clean: ## Remove the environment and everything that the other targets made
	rm -rf $(VENV) .bench .coverage .coverage.* .faults .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist htmlcov
