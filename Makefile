# Everything runs in a virtual environment of its own; python3 and make are all that a machine needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test soak lint bench docs clean

demo: $(READY)  ## run the example suite: green, then with version v3, which is caught
	$(BIN)/python -m pytest example_suite
	@echo
	@echo "Now version v3, an edit that looks harmless. The gates catch it, and pytest exits with 1:"
	$(BIN)/python -m pytest example_suite --promptreg-versions v3 --tb=no -rN; test $$? -eq 1

test: $(READY)  ## run the tests, in two processes
	$(BIN)/python -m pytest -n 2 --dist worksteal

soak: $(READY)  ## try at length what luck has a part in: kills at random moments, generated input
	PROMPTREG_SOAK=1 $(BIN)/python -m pytest -m soak -n 2 --dist worksteal -rP

lint: $(READY)  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)  ## measure, each figure beside a limit in the same run
	$(BIN)/python benchmarks/run.py

docs: $(VENV)/.docs-ready  ## follow the recipes with the real clients, build the site; a warning is an error
	PROMPTREG_ALL_PAGES=1 $(BIN)/python -m pytest tests/test_doc_pages.py -k recipes
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -c docs -d build/doctrees . build/site
	@echo "build/site/index.html"

$(VENV)/.docs-ready: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	@touch $@

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,lint]'
	@touch $@

clean:  ## remove what was installed and cached
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
