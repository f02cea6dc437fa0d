# Two commands for a newcomer: `make demo` and `make test`. Everything lands in .venv and .healthbook below this folder.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := "$(BIN)/python" -m pip --disable-pip-version-check --quiet

.PHONY: demo test fuzz check format contracts release-schema bench lock clean

demo: $(VENV)/runtime ## load the demo population and serve it on 127.0.0.1
	@"$(BIN)/healthbook" demo

test: $(VENV)/dev ## the whole suite
	@"$(BIN)/python" -m pytest -n auto --maxprocesses 4

fuzz: $(VENV)/dev ## 2,000 queries and mutations that schemathesis makes of the schema
	@FUZZ_CASES=2000 "$(BIN)/python" -m pytest -q tests/contracts/test_schemathesis.py

check: $(VENV)/dev ## exactly what CI runs
	@"$(BIN)/ruff" format --check .
	@"$(BIN)/ruff" check .
	@"$(BIN)/mypy"
	@"$(BIN)/lint-imports"
	@$(MAKE) --no-print-directory test

format: $(VENV)/dev
	@"$(BIN)/ruff" format .
	@"$(BIN)/ruff" check --fix .

contracts: $(VENV)/dev ## regenerate openapi/ from the code
	@"$(BIN)/healthbook" contracts

release-schema: contracts ## keep the schema of this release: what comes after it is compared with it
	@cp openapi/schema.graphql openapi/schema.released.graphql

bench: $(VENV)/dev ## the side-by-side measurements of docs/benchmarks.md
	@"$(BIN)/python" -m benchmarks

lock: $(VENV)/dev ## pin again; a lock holds hashes, never addresses
	@$(PIP) install uv
	@"$(BIN)/uv" pip compile pyproject.toml --extra build --python-version 3.11 --universal --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --quiet --upgrade -o requirements.lock
	@"$(BIN)/uv" pip compile pyproject.toml --all-extras --python-version 3.11 --universal --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --quiet --upgrade -o requirements-dev.lock

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("healthbook needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python has no venv module here: install the package python3-venv, then run make again."; exit 1; }

$(VENV)/runtime: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing the locked dependencies ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev: requirements-dev.lock $(VENV)/runtime
	@echo "Installing the locked development tools ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

clean:
	rm -rf $(VENV) .healthbook
