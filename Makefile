# Two commands on a fresh machine: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test test-long lint types bench clean chromium

run: $(VENV)/.run
	$(BIN)/python app.py $(ARGS)

# Everything that CI runs, within 25 minutes.
test: $(VENV)/.test chromium lint types
	$(BIN)/python -m pytest -m "not long" $(ARGS)

# What takes longer: run by hand before a piece of work is called done.
test-long: $(VENV)/.test chromium
	$(BIN)/python -m pytest -m long --timeout 7200 $(ARGS)

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.test
	$(BIN)/basedpyright

bench: $(VENV)/.test
	for each in benchmarks/[a-z]*.py; do echo "== $$each"; $(BIN)/python $$each || exit 1; done

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.test: requirements.txt requirements-dev.txt requirements-train.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-train.txt
	touch $@ $(VENV)/.run

# The browser tests need a Chromium; where it is absent and apt may install it, it does. Without one they skip and say so.
chromium:
	@command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || { \
		test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1 && \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || \
		echo "no Chromium and no right to install one: the browser tests will be skipped"

clean:
	rm -rf $(VENV) build
