# Every target works on a fresh checkout; CI calls these and nothing else.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One more than cores: some tests wait for other processes.
WORKERS ?= $(shell $(PYTHON) -c "import os; print((os.cpu_count() or 1) + 1)")
REVIEWS ?= data/sample/kaspi_reviews.csv

.PHONY: help demo test lint types docs bench clean

help:
	@echo "make demo   label the bundled reviews, train a model on the labels, report how good they are"
	@echo "make test   run all tests"
	@echo "make lint   check style, format and the direction of imports"
	@echo "make types  check types"
	@echo "make docs   write docs/cli.md and docs/config.md again"
	@echo "make bench  measure against peers; REVIEWS=file.csv chooses the reviews"

$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $@

demo: $(VENV)/.installed
	$(BIN)/labeler label --models embedded --run runs/demo
	$(BIN)/labeler train --mode lora --backbone embedded --run runs/demo
	$(BIN)/labeler report --run runs/demo

# Byte code is kept whatever the environment says: hundreds of processes are started.
test: $(VENV)/.installed
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports pyproject.toml

# mypy finds packages by folder name, and the checkout may have any: give it one called labeler.
types: $(VENV)/.installed
	mkdir -p .build && ln -sfn .. .build/labeler
	cd .build && ../$(BIN)/mypy --config-file ../pyproject.toml -p labeler

docs: $(VENV)/.installed
	$(BIN)/python -m labeler.docs.generate

bench: $(VENV)/.installed
	$(BIN)/python -m labeler.benchmarks $(REVIEWS)

clean:
	rm -rf $(VENV) .build build *.egg-info .mypy_cache .pytest_cache .ruff_cache
