# The two commands: `make run` (watch a sample issue go out) and `make test`.
# Needs Python 3.11 or newer, make, and a network to the package index.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DEMO   ?= var/demo
PIP    := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet

.PHONY: run test test-postgres chaos judge check lint format catalogues bench lock clean

## Watch a bilingual issue being assembled, scheduled, sent and left. Ctrl-C ends it.
run: $(VENV)/installed
	@$(BIN)/newsletter --home $(DEMO) demo

## Set up what the tests need, and pass them.
test: $(VENV)/installed-dev
	@tests/setup-debian.sh
	@tests/judges/setup.sh quick
	$(BIN)/python -m pytest -n 2 --dist loadgroup

## The readers' pages and their room once more, with a PostgreSQL server under them.
test-postgres: $(VENV)/installed-dev
	@tests/setup-debian.sh
	$(BIN)/python -m pytest -n 2 --dist loadgroup --database postgresql tests/web tests/subscribers

## Kill, freeze, starve and cut off whatever sends, for about an hour; as root also disks and
## networks. One part of it: make chaos CHAOS='kills --database sqlite --rounds 20 --seed 7'
chaos: $(VENV)/installed-dev
	@tests/setup-debian.sh
	$(BIN)/python -m tests.chaos $(CHAOS)

## Let programs that others wrote judge our mail; needs root. make judge JUDGES='mjml axe-core'
judge: $(VENV)/installed-dev
	@tests/setup-debian.sh
	@tests/judges/setup.sh
	$(BIN)/python -m tests.judges $(JUDGES)

## Everything that must hold before a change lands.
check: lint test

## Format, style, types, stairs and catalogues, without running anything.
lint: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

## Take new words out of templates and code, and compile the catalogues.
catalogues: $(VENV)/installed-dev
	$(BIN)/pybabel -q extract -F config/babel.cfg --no-location --sort-output \
	  --project=newsletter --version=1 -o templates/locale/newsletter.pot .
	$(BIN)/pybabel -q update -D newsletter -d templates/locale -i templates/locale/newsletter.pot \
	  --no-fuzzy-matching --no-wrap --ignore-obsolete
	$(BIN)/pybabel -q compile -D newsletter -d templates/locale

## Measure; never a test, because this depends on the machine. 'make bench PARTS="wire growth"'.
bench: $(VENV)/installed-dev
	$(BIN)/python -m tests.benchmarks $(PARTS)

## Pin every dependency anew, with hashes and without naming where they come from.
lock: $(VENV)/installed-dev
	$(PIP) install uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --upgrade \
	  --no-header --no-emit-index-url --no-emit-find-links \
	  pyproject.toml --extra postgres --group build -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --upgrade \
	  --no-header --no-emit-index-url --no-emit-find-links -c requirements.lock \
	  pyproject.toml --extra postgres --group dev -o requirements-dev.lock

clean:
	rm -rf $(VENV) var build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/python-ready:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "This needs Python 3.11 or newer; 'make PYTHON=/path/to/python3.12 run' names another."; \
	  exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); \
	  echo "Python cannot make a virtual environment; on Debian: apt-get install python3-venv"; \
	  exit 1; }
	@touch $@

$(VENV)/installed: $(VENV)/python-ready requirements.lock pyproject.toml
	@echo "Installing (once, about 20 seconds) …"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	@echo "Installing what the tests need (once, about 40 seconds) …"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
