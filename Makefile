# `make run` serves on http://127.0.0.1:8000; `make test` runs the suite. Both set up .venv first, if need be.
# More for pytest or the server: make test ARGS="-k quota -x", make run ARGS="--workers 2".

SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DELETE_ON_ERROR:
.SUFFIXES:
# Compiled once, the program starts in half the time.
unexport PYTHONDONTWRITEBYTECODE
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?=
ARGS ?=
READY := .venv/ready
BIN := .venv/bin
# Three processes keep two processors busy: a test often waits for PostgreSQL.
PARALLEL := -n 3 --dist loadfile
# What needs servers of its own: a browser, clients, test mode, what is killed, what logs and files hold, a cluster. Nobody waits for
# these between two changes.
SERVED := $(addprefix tests/testmode/test_,apart.py clock.py outcomes.py)
SLOW := tests/cluster tests/openapi tests/privacy/silence tests/processes tests/sdk $(SERVED) tests/web/browser
SEEDS = $(shell $(BIN)/python -c "import random; print(*random.sample(range(1_000_000), 2))")

.PHONY: help run test slow nightly audit check format bench soak screenshots lock clean

help:
	@echo 'make run     set up and serve, with a PostgreSQL of its own unless DATABASE_URL is set'
	@echo 'make test    set up and run the suite against a real PostgreSQL (ARGS="-k quota")'
	@echo 'make slow    the rest of the suite, which starts servers: pages in a browser, requests made at random, clients, test mode,'
	@echo '             what is killed, what logs and files hold, a failover of three PostgreSQL'
	@echo 'make nightly the whole suite twice in random orders: ten times as many random examples, a season of 3,000 people;'
	@echo '             the main door once more by graphql-core alone; every way in which machines fail;'
	@echo '             rules, doors and logs on PostgreSQL 15'
	@echo 'make audit   gateways, clients and audits from npm, as a table (needs Node.js)'
	@echo 'make check   format, lint, strict types, import layers, schema and migrations current'
	@echo 'make format  put the code into its format'
	@echo 'make bench   what the claims about speed are measured with'
	@echo 'make soak    mixed traffic at half of the peak for half an hour: what grows (ARGS="--seconds 600")'
	@echo 'make screenshots  every page, for each role, light and dark, into screenshots/'
	@echo 'make lock    renew requirements.lock from pyproject.toml (needs uv)'
	@echo 'make clean   remove .venv and caches; the data in .pemudik stays'

run: $(READY)
	@exec $(BIN)/pemudik serve --demo $(ARGS)

test: $(READY)
	@exec $(BIN)/python -m pytest $(PARALLEL) $(addprefix --ignore=,tests/contract $(SLOW)) $(ARGS)

slow: $(READY)
	@exec $(BIN)/python -m pytest $(PARALLEL) --cluster $(SLOW) $(ARGS)

# A seed is told first, so that a run can be repeated: make nightly SEEDS=123.
nightly: $(READY)
	@for seed in $(SEEDS); do \
		echo "make nightly SEEDS=$$seed"; \
		$(BIN)/python -m pytest $(PARALLEL) --shuffle $$seed --season-people 3000 --season-seed $$seed --offices-seed $$seed \
			--hypothesis-profile nightly --hypothesis-seed $$seed $(ARGS); \
	done
	@$(BIN)/python -m pytest $(PARALLEL) --without-plans tests/graphql tests/privacy
	@$(BIN)/python -m pytest --cluster --nightly tests/cluster tests/processes/test_kills.py tests/privacy/test_measures.py
	@exec .ci/oldest

# Where a table says what was tried, nothing may be left out: without Node it fails.
audit: $(READY)
	@exec $(BIN)/python .ci/audit $(ARGS)

check: $(READY)
	@$(BIN)/ruff format --check --quiet . || { echo 'Not formatted: make format' >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/python .ci/pins --check
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/mypy --no-error-summary --config-file sdk/python/pyproject.toml
	@$(BIN)/lint-imports --no-logo > .venv/lint-imports.log 2>&1 || { cat .venv/lint-imports.log >&2; exit 1; }
	@$(BIN)/python -m tests.web.types
	@$(BIN)/pemudik schema export --check
	@$(BIN)/pemudik schema refusals --check
	@$(BIN)/pemudik schema personal --check
	@$(BIN)/pemudik schema guide --check
	@$(BIN)/python -m pytest -q --no-header tests/test_migrations.py -k 'one_head or what_the_models_say' > .venv/migrations.log 2>&1 \
		|| { cat .venv/migrations.log >&2; exit 1; }
	@echo 'Format, lint, types, layers, schema and migrations are in order.'

format: $(READY)
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

bench: $(READY)
	@exec $(BIN)/python -m bench $(ARGS)

soak: $(READY)
	@exec $(BIN)/python -m bench.soak $(ARGS)

screenshots: $(READY)
	@exec $(BIN)/python -m tests.web.screenshots $(ARGS)

lock:
	@uv pip compile --quiet --universal --generate-hashes --no-strip-extras --no-emit-index-url --group dev --python-version 3.11 \
		--output-file requirements.lock pyproject.toml
	@.ci/pins

clean:
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.*
	@find app tests bench migrations -name __pycache__ -type d -prune -exec rm -rf {} +

# A copy of this folder has the original's .venv, which would run the original's code: `ready` says where it was built.
ifneq ($(shell cat .venv/ready 2>/dev/null),$(CURDIR))
.PHONY: $(READY)
endif

$(READY): requirements.lock pyproject.toml
	@.ci/setup $(PYTHON)
