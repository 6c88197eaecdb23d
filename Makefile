# Two commands do everything: `make demo` and `make test`. Both set up what they need first, once.
# PYTHON chooses the interpreter (3.11 to 3.14), VENV the folder of the virtual environment.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UV ?= $(BIN)/uv
# Two processes on the two cores that most machines have; a browser wants both for itself, the demo its usual port.
PYTEST_ARGS ?= -n 2
ALONE := tests/browser tests/demo
DEMO_ARGS ?=

# A stamp is named after what it was made from, so a changed list or another interpreter sets up anew.
interpreter := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
sum = $(shell cat pyproject.toml $(1) | cksum | cut -d' ' -f1)
TEST_STAMP := $(VENV)/.ready-test-$(interpreter)-$(call sum,requirements.txt)
DEMO_STAMP := $(VENV)/.ready-demo-$(interpreter)-$(call sum,requirements-demo.txt)

# Setting up builds the console's page too; later only a source that is newer than the page asks for it again.
console_sources := $(shell find console -name node_modules -prune -o -name __pycache__ -prune -o -type f -print)
PAGE := $(if $(filter-out 0,$(DETENTE_SKIP_CONSOLE)),,src/detente/console/static/index.html)

.NOTPARALLEL:
.PHONY: demo test setup check docs serve-docs picture bench lock clean

# What tests need holds what the demo needs, in the same versions.
demo: $(or $(wildcard $(TEST_STAMP)),$(DEMO_STAMP)) $(PAGE)
	$(BIN)/detente demo $(DEMO_ARGS)

test: check $(PAGE)
	$(BIN)/python -m pytest $(ALONE)
	$(BIN)/python -m pytest $(PYTEST_ARGS) $(addprefix --ignore=,$(ALONE))

setup: $(TEST_STAMP) $(PAGE)

# The pre-commit hook runs this target, and tests/test_house.py these lines.
check: $(TEST_STAMP)
	$(BIN)/ruff check src tests bench console/make_page.py hatch_build.py
	$(BIN)/ruff format --check src tests bench console/make_page.py hatch_build.py
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/python console/make_page.py check
	$(BIN)/python console/make_page.py test

docs: $(TEST_STAMP)
	$(BIN)/mkdocs build --strict

serve-docs: $(TEST_STAMP)
	$(BIN)/mkdocs serve

# Takes the README's picture of the console anew; needs chromium.
picture: $(TEST_STAMP) $(PAGE)
	DETENTE_PICTURE=docs/pictures/console.png $(BIN)/python -m pytest -q tests/browser/test_picture.py

bench: $(TEST_STAMP)
	@for one in bench/*_bench.py; do \
	    echo "$$one"; $(BIN)/python -m bench.$$(basename $$one .py) || exit 1; \
	done

# Compiles the two lists of exact versions and hashes out of pyproject.toml; needs uv.
lock:
	$(UV) pip compile --no-emit-index-url --no-header --universal --python-version 3.11 --generate-hashes \
	    --extra dev pyproject.toml -o requirements.txt
	$(UV) pip compile --no-emit-index-url --no-header --universal --python-version 3.11 --generate-hashes \
	    --constraint requirements.txt pyproject.toml -o requirements-demo.txt

clean:
	rm -rf $(VENV) site console/node_modules src/detente/console/static

# The installer brings Node.js for it. Named last by those who need it, when there is an environment.
src/detente/console/static/index.html: $(console_sources)
	@$(install_editable)

install_editable = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .

define set_up
	@echo "Setting up $(VENV) from $(1), once."
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	@rm -f $(VENV)/.ready-*
	@$(BIN)/python -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "$(interpreter)")' 2>/dev/null \
	    || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1)
	@$(install_editable)
	@touch $@
endef

$(TEST_STAMP):
	$(call set_up,requirements.txt)

$(DEMO_STAMP):
	$(call set_up,requirements-demo.txt)
