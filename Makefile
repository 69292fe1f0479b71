# Everything runs in a virtual environment of its own; python3 and make are all that a machine needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-slow test-lowest compat soak lint bench docs recipes clean

demo: $(READY)  ## run the example suite: green, then with version v3, which is caught
	$(BIN)/python -m pytest example_suite
	@echo
	@echo "Now version v3, an edit that looks harmless. The gates catch it, and pytest exits with 1:"
	$(BIN)/python -m pytest example_suite --promptreg-versions v3 --tb=no -rN > $(VENV)/demo.txt 2>&1; \
	  status=$$?; cat $(VENV)/demo.txt; test $$status -eq 1
	@tail -1 $(VENV)/demo.txt | grep -q ' missed in '  # pytest's own last line, and no traceback's

test: $(READY)  ## run the tests, in two processes
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-slow: $(READY)  ## run the tests that take long: clusters, servers that die, processes side by side
	$(BIN)/python -m pytest -m slow -n 2 --dist worksteal

# The leg's tests are those of what others' releases can break: pytest, MLflow, pandas, NumPy, the tokenizers and metrics.
LOWEST := .venv-lowest
LOWEST_TESTS ?= tests/plugin/test_life_cycle.py tests/plugin/test_citizen.py tests/plugin/test_collection.py \
	tests/plugin/test_repeats.py tests/calls tests/embedders tests/metrics tests/sources tests/mlflow_store \
	tests/tracking/test_tracking_sqlite.py tests/tracking/test_tracking_schema.py tests/tracking/test_traces_stored.py \
	tests/inputs tests/results/test_frames.py tests/test_exported_members.py

test-lowest: $(READY) $(LOWEST)/.ready  ## test the built wheel, with the oldest packages that it allows; LOWEST_TESTS=tests for all
	rm -rf $(LOWEST)/dist $(LOWEST)/sdist && mkdir $(LOWEST)/sdist
	$(BIN)/python -m build --outdir $(LOWEST)/dist .
	$(BIN)/twine check --strict $(LOWEST)/dist/*
	$(BIN)/python tests/compat/built.py $(LOWEST)/dist
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall $(LOWEST)/dist/*.whl
	tar -xzf $(LOWEST)/dist/*.tar.gz -C $(LOWEST)/sdist --strip-components=1
	rm -r $(LOWEST)/sdist/pytest_promptreg  # what is tested is the installed wheel
	cd $(LOWEST)/sdist && ../bin/python -m pytest -n 2 --dist worksteal $(LOWEST_TESTS)

$(LOWEST)/.ready: pyproject.toml constraints.txt tests/compat/lowest.py
	$(PYTHON) -m venv --clear $(LOWEST)
	$(PYTHON) tests/compat/lowest.py > $(LOWEST)/lowest.txt
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(LOWEST)/lowest.txt --constraint constraints.txt '.[test]'
	@touch $@

COMPAT := .venv-compat

compat: $(COMPAT)/.ready  ## run a small project under other pytest plugins: docs/compatibility.md
	$(COMPAT)/bin/python tests/compat/combinations.py $(COMBINATIONS)

$(COMPAT)/.ready: pyproject.toml constraints.txt tests/compat/plugins.txt
	$(PYTHON) -m venv --clear $(COMPAT)
	$(COMPAT)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]' --requirement tests/compat/plugins.txt
	@touch $@

soak: $(READY)  ## try at length what luck has a part in: kills at random moments, generated input
	PROMPTREG_SOAK=1 $(BIN)/python -m pytest -m soak -n 2 --dist worksteal -rP

lint: $(READY)  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)  ## measure, each figure beside a limit in the same run
	$(BIN)/python -u benchmarks/run.py

docs: $(BIN)/.docs-ready  ## build the site into build/site; a warning is an error
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -c docs -d build/doctrees . build/site
	@echo "build/site/index.html"

$(BIN)/.docs-ready: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	@touch $@

# The clients have an environment of their own, which sees all of the other one: with LiteLLM in it, MLflow would import
# that in every run of the tests.
recipes: $(VENV)-recipes/.ready  ## do what docs/ tells with the real clients of model providers
	PROMPTREG_ALL_PAGES=1 LITELLM_LOCAL_MODEL_COST_MAP=True \
	  $(VENV)-recipes/bin/python -m pytest tests/test_doc_pages.py -p no:langsmith_plugin

$(VENV)-recipes/.ready: $(READY) docs/recipes/requirements.txt
	$(PYTHON) -m venv $(VENV)-recipes
	$(BIN)/python -c "import site; print(f'import site; site.addsitedir({site.getsitepackages()[0]!r})')" \
	  > "$$($(VENV)-recipes/bin/python -c 'import site; print(site.getsitepackages()[0])')/all_of_the_other.pth"
	$(VENV)-recipes/bin/python -m pip install --quiet --disable-pip-version-check -r docs/recipes/requirements.txt
	@touch $@

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,lint]'
	@touch $@

clean:  ## remove what was installed and cached
	rm -rf $(VENV) $(LOWEST) $(COMPAT) $(VENV)-recipes .pytest_cache .mypy_cache .ruff_cache .hypothesis
