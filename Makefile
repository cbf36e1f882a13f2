# make venv    the virtual environment, from the hashed lock
# make check   what is quick: format, lint, types, imports, unit, property, schema, golden and house tests
# make test    everything but the benchmarks, on the real broker and registry; PROCESSES=2 at once
# make model   discovery and puller against whatever may happen, for longer; STEPS=100000 SEED=1
# make faults  processes and brokers broken at random and at each step, at length; MINUTES=30 SEED=1
# make soak    what processes hold while they run for long; MINUTES=20
# make demo    the whole stage on this machine; SOURCE=s3://bucket/prefix reads a real bucket
# make lock    resolve the dependencies again; UPGRADE=1 takes the newest versions
# make format  put the sources into their form

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := producer tests
QUICK_TESTS := $(wildcard tests/unit tests/properties tests/schemas tests/golden tests/mutation tests/scenarios tests/house)
# Only `make lock` needs the resolver; it is installed beside the environment, never into it.
RESOLVER := uv==0.13.9
RESOLVE = build/resolver/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --custom-compile-command 'make lock'

.DEFAULT_GOAL := check
STEPS ?= 100000
PROCESSES ?= 2

.PHONY: venv check style test model faults soak demo lock format clean

venv: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; set PYTHON=..." >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

style: venv
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

check: style
	$(BIN)/pytest $(QUICK_TESTS)

test: style
	$(BIN)/pytest --numprocesses $(PROCESSES) --dist worksteal

model: venv
	$(BIN)/pytest tests/model/test_model.py --model-steps $(STEPS) $(if $(SEED),--seed $(SEED))

faults: venv
	$(BIN)/pytest tests/faults --faults-minutes $(or $(MINUTES),30) $(if $(SEED),--seed $(SEED))
	$(BIN)/pytest tests/integration tests/system -m at_length --faults-minutes $(or $(MINUTES),30)

soak: venv
	$(BIN)/python -m tests.faults.soak --minutes $(or $(MINUTES),20)

demo: venv
	$(BIN)/openai-compliance demo $(if $(SOURCE),--source $(SOURCE))

lock:
	$(PYTHON) -m venv --clear build/resolver
	build/resolver/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: $(RESOLVER)
	$(RESOLVE) --all-extras --group dev $(if $(UPGRADE),--upgrade) --output-file requirements.lock
	$(RESOLVE) --constraints requirements.lock --output-file requirements-runtime.lock

format: venv
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix-only $(SOURCES)

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .benchmarks
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +
