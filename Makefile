# Every word here sets up what it needs; CI runs the same words.
PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin
PYTEST := $(RUN)/python -m pytest -q
# Tests that cannot run fail instead of being skipped.
REQUIRE := INDELIBLE_REQUIRE_KAFKA=1 INDELIBLE_REQUIRE_POSTGRES=1 INDELIBLE_REQUIRE_COMPILED=1
# Compiling takes types from all over, so any change counts (docs/adr/0008-compiled-modules.md).
PACKAGES := journal verifier materializer streams indelible
SOURCES := $(shell find $(PACKAGES) -name '*.py')

.PHONY: help setup compile pure demo test test-fast soak check format bench profile kafka-up connect-up docs clean

help: ## Show what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: .runtime/ready compile ## Install everything: system packages, virtual environment, Kafka, Connect; compile

.runtime/ready: uv.lock pyproject.toml infra/install-system-packages infra/kafka/pom.xml infra/connect/plugins.py
	sh infra/install-system-packages
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --disable-pip-version-check uv==0.9.30
	$(RUN)/uv sync --locked --quiet
	$(RUN)/python -m infra.kafka jars
	$(RUN)/python -m infra.connect plugins
	mkdir -p .runtime && touch $@

.runtime/venv: uv.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --disable-pip-version-check uv==0.9.30
	$(RUN)/uv sync --locked --quiet
	mkdir -p .runtime && touch $@

compile: .runtime/compiled ## Compile the modules that every commit passes through

.runtime/compiled: .runtime/ready $(SOURCES)
	@$(MAKE) --no-print-directory pure
	@echo "Compiling the modules on the commit path, about a minute"
	HATCH_BUILD_HOOKS_ENABLE=1 $(RUN)/hatchling build -t wheel --hooks-only >/dev/null
	touch $@

pure: ## Go back to the Python sources alone
	rm -f *__mypyc.*.so .runtime/compiled
	find $(PACKAGES) -name '*.so' -delete

demo: setup ## Watch a ledger work on real flights, in under a minute
	$(RUN)/indelible demo

test: test-fast ## Everything: the sources, then all of it compiled and on a real Kafka
	$(MAKE) --no-print-directory setup
	$(REQUIRE) $(PYTEST) tests

test-fast: .runtime/venv pure ## What needs no compiler, no broker and no patience (about a minute)
	$(PYTEST) -m "not kafka and not slow" -n 3 --dist worksteal

soak: setup ## The long forms: kill -9 twenty times, the whole year of flights ...
	$(REQUIRE) INDELIBLE_SOAK=1 $(PYTEST) tests -s -m soak

check: .runtime/venv ## Format, lint, types, import rules, docs in step
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/mypy
	$(RUN)/lint-imports
	$(RUN)/cog --check -r docs/reference/*.md
	rm -rf .runtime/wheel && $(RUN)/hatchling build -t wheel -d .runtime/wheel >/dev/null
	$(RUN)/check-wheel-contents .runtime/wheel/*.whl

format: .runtime/venv ## Format and fix what can be fixed
	$(RUN)/ruff format .
	$(RUN)/ruff check --fix .

docs: .runtime/venv ## Write the generated parts of docs/reference anew
	$(RUN)/cog -r docs/reference/*.md

bench: setup ## Commits, reads, rebuild and import beside PostgreSQL; one table with ratios
	$(RUN)/python -m bench

profile: .runtime/ready pure ## Where the time of a commit goes, in the Python sources
	$(RUN)/python -m bench.profile

kafka-up: setup ## A real Kafka on 127.0.0.1:9092 until Ctrl-C
	$(RUN)/python -m infra.kafka up --port 9092

connect-up: setup ## A Kafka Connect worker beside it, with a sink for PostgreSQL
	$(RUN)/python -m infra.connect up

clean: pure ## Remove what setup made
	rm -rf $(VENV) .runtime .pytest_cache .mypy_cache .ruff_cache .hypothesis
