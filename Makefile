# Every word here sets up what it needs; CI runs the same words.
PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin
PYTEST := $(RUN)/python -m pytest -q
# Tests that cannot run fail instead of being skipped.
REQUIRE := INDELIBLE_REQUIRE_KAFKA=1 INDELIBLE_REQUIRE_POSTGRES=1

.PHONY: help setup demo test test-fast soak check format bench profile kafka-up connect-up docs clean

help: ## Show what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: .runtime/ready ## Install everything: system packages, virtual environment, Kafka, Connect

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

demo: setup ## Watch a ledger work on real flights, in under a minute
	$(RUN)/indelible demo

test: setup ## Everything, on a real Kafka too
	$(REQUIRE) $(PYTEST)

test-fast: .runtime/venv ## What needs no broker and no patience (under a minute)
	$(PYTEST) -m "not kafka and not slow" -n 3 --dist worksteal

soak: setup ## The long forms: kill -9 twenty times, the whole year of flights ...
	$(REQUIRE) INDELIBLE_SOAK=1 $(PYTEST) -s -m soak

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

profile: setup ## Where the time of a commit goes
	$(RUN)/python -m bench.profile

kafka-up: setup ## A real Kafka on 127.0.0.1:9092 until Ctrl-C
	$(RUN)/python -m infra.kafka up --port 9092

connect-up: setup ## A Kafka Connect worker beside it, with a sink for PostgreSQL
	$(RUN)/python -m infra.connect up

clean: ## Remove what setup made
	rm -rf $(VENV) .runtime .pytest_cache .mypy_cache .ruff_cache .hypothesis
