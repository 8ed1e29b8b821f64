# `make help` lists the targets. Each one sets up what it needs, once, in .venv.

NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 10))'
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python3.10; do \
  $$python $(NEW_ENOUGH) 2>/dev/null && echo $$python && break; done)
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt
# PyTorch's builds for the CPU: torch and torchvision, which must be of one kind, from there.
TORCH_INDEX ?= https://download.pytorch.org/whl/$(TORCH)

.DEFAULT_GOAL := help
.PHONY: help setup data train-scratch train-concise compare evaluate figures predict losses demo sweep learning-curve notebook exercises check bench agree test test-all browser faults docs lint package clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo '  ARGS="…" passes options on:  make train-scratch ARGS="--epochs 3 --lr 0.05"'

setup: $(VENV)/.installed ## Install into .venv; with TORCH=cpu 200 MB of PyTorch, not 5.4 GB (Linux)

data: setup ## Find or download Fashion-MNIST, verify it, print its directory
	$(BIN)/python -m d2l_softmax data $(ARGS)

train-scratch: setup ## Train softmax regression from scratch; writes runs/scratch
	$(BIN)/python -m scratch $(ARGS)

train-concise: setup ## Train softmax regression with torch.nn; writes runs/concise
	$(BIN)/python -m concise $(ARGS)

compare: setup ## Train scratch and concise side by side; writes runs/compare
	$(BIN)/python -m d2l_softmax compare $(ARGS)

evaluate: setup ## Test a model: make evaluate ARGS=runs/concise/model.pt
	$(BIN)/python -m d2l_softmax evaluate $(ARGS)

figures: setup ## Draw what a model has learned; writes runs/figures
	$(BIN)/python -m d2l_softmax figures $(ARGS)

predict: setup ## Classify a picture of yours: make predict IMAGE=docs/ankle-boot.png
	$(BIN)/python -m d2l_softmax predict $(if $(IMAGE),"$(IMAGE)") $(ARGS)

losses: setup ## Draw three regression losses; writes runs/losses.png
	$(BIN)/python -m d2l_softmax losses $(ARGS)

demo: setup ## Write the interactive demo, runs/softmax.html; the default one is docs/softmax.html
	$(BIN)/python -m d2l_softmax demo $(ARGS)

sweep: setup ## Find the best settings: make sweep ARGS="--lr 0.01 0.1 --momentum 0 0.9"
	$(BIN)/python -m d2l_softmax sweep $(ARGS)

learning-curve: setup ## Draw the accuracy against the number of training images
	$(BIN)/python -m d2l_softmax learning-curve $(ARGS)

notebook: $(VENV)/.installed-notebook ## Build the notes' notebooks in both languages, run them, store their outputs
	OMP_NUM_THREADS=1 $(BIN)/python -m notebooks.build

exercises: setup ## Lay out the notes' exercises in exercises/; what you wrote there stays
	$(BIN)/python -m notebooks.exercises

check: setup ## Say which of your exercises are right: make check ARGS="-k section_3"
	$(BIN)/python -m notebooks.exercises check $(ARGS)

bench: $(VENV)/.installed-bench ## Measure against peers and lower bounds (half an hour, alone on the machine)
	$(BIN)/python -m benchmarks $(ARGS)

agree: $(VENV)/.installed-agree ## Train in TensorFlow, Keras, JAX, NumPy, scikit-learn: same numbers?
	$(BIN)/python -m benchmarks agreement

# One thread in each process: threads that share a core wait for one another.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses=auto --maxprocesses=8 --dist=worksteal

test: $(VENV)/.installed-test ## Run the quick tests (minutes)
	$(PYTEST) $(ARGS)

test-all: $(VENV)/.installed-test ## Run all tests: also processes, faults, the agreement matrix
	$(PYTEST) -m '' $(ARGS)

browser: $(VENV)/.installed-test ## Install Chromium, Firefox, WebKit and a Chinese font for the tests
	$(BIN)/python -m tests.browsers

FAULTS := killed hostile tensors odd_data sources resume

faults: $(VENV)/.installed-test ## Test kills, full disks, damaged files and hostile data only
	$(PYTEST) -m '' $(FAULTS:%=tests/test_%.py) $(ARGS)

docs: $(VENV)/.installed-docs ## Build the site: documents, notebooks, API; writes build/docs
	OMP_NUM_THREADS=1 $(BIN)/python -m sphinx -W --keep-going -q -E -c docs . build/docs

lint: $(VENV)/.installed-dev ## Check style, types, and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format --default-filetype yaml CITATION.cff

package: $(VENV)/.installed-package ## Build sdist and wheel, check them, try the wheel elsewhere
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*
	elsewhere=$$(mktemp -d) && \
	  $(BIN)/python -m pip install --quiet --no-deps --target "$$elsewhere/site" dist/*.whl && \
	  python=$$(realpath $(BIN))/python && cd "$$elsewhere" && export PYTHONPATH="$$elsewhere/site" && \
	  $$python -c 'import d2l_softmax; assert d2l_softmax.__file__.startswith("'$$elsewhere'")' && \
	  $$python -m scratch --epochs 1 && site/bin/d2l-softmax evaluate && \
	  test -e site/d2l_softmax/py.typed && rm -r "$$elsewhere"

clean: ## Remove .venv, caches and build leftovers; runs/, exercises/ and the data stay
	rm -rf $(VENV) *.egg-info build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps say what is installed; pip runs again only when the project's requirements change.
$(VENV)/.created:
	@$(or $(PYTHON),false) $(NEW_ENOUGH) || { \
	  echo "$(or $(PYTHON),python3) is missing or older than Python 3.10;" \
	    "name a newer one: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { \
	  echo "$(PYTHON) can't make virtual environments; on Debian and Ubuntu:" \
	    "apt-get install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.installed: $(VENV)/.created pyproject.toml constraints.txt
	@echo "Installing into $(VENV); PyTorch takes a few minutes the first time."
ifdef TORCH
	@$(PIP) --no-deps --index-url $(TORCH_INDEX) torch torchvision || { \
	  echo "can't install PyTorch's $(TORCH) build from $(TORCH_INDEX);" \
	    "make setup without TORCH takes the default build" >&2; exit 1; }
endif
	@$(PIP) -e .
	@touch $@

$(VENV)/.installed-%: $(VENV)/.installed
	@$(PIP) -e '.[$*]'
	@touch $@
