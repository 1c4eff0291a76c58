# Everything runs in .venv, which `setup` makes from requirements.lock; it is quick when nothing changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
STAMP := $(VENV)/.stamp

# Where it is set, every process would compile its hundreds of imported files again, which costs seconds each.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test check bench docs lock clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "arsync needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 setup"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV) from requirements.lock ..."
	@# uv installs several times faster; pip is the fall-back where uv cannot reach the package index
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) && \
		$(BIN)/uv pip sync --quiet --python $(BIN)/python requirements.lock || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

demo: setup
	@$(BIN)/arsync demo $(if $(ONCE),--once) $(DEMO_ARGS)

test: setup
	@# a real Tryton in an environment of its own; the tests would install it themselves, in the middle
	@$(BIN)/python -m tests.fixtures.trytond
	@# three at a time on two cores: many tests wait for servers
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(TEST_ARGS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/arsync bench all

docs: setup
	$(BIN)/python -m arsync_pipelines.cli docs

lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --no-emit-index-url --no-header \
		--generate-hashes --upgrade --output-file requirements.lock

clean:
	rm -rf .arsync build *.egg-info
