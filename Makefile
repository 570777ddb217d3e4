# What a person types. Every target builds .venv first, so a machine with Python 3.11 and make needs nothing else.

PYTHON ?= python3
BIN := .venv/bin
PLUGINS := build/mypy

.PHONY: demo test test-slow test-vllm check bench site format clean

demo: .venv/.stamp
	$(BIN)/harness sweep experiments/demo.yaml --runs runs/demo --jobs 2
	$(BIN)/harness report --runs runs/demo --figures runs/demo/figures --html runs/demo/report.html
	@echo "All conditions: $(BIN)/harness run --setting gcd_sycophancy --intervention none,ps --runs runs/demo"

test: .venv/.stamp
	$(BIN)/pytest -q -n auto --maxprocesses 4 --dist loadfile -m "not slow and not gpu and not vllm and not browser"

test-slow: .venv/.stamp
	$(BIN)/pytest -q -m "slow and not gpu and not vllm"

test-vllm: .venv/.stamp
	$(BIN)/harness engine install
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(BIN)/pytest -q -m vllm

check: .venv/.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@mkdir -p $(PLUGINS) && ln -sfn ../../plugins $(PLUGINS)/harness_plugins
	@ln -sfn ../../experiments $(PLUGINS)/harness_experiments
	MYPYPATH=$(PLUGINS):examples/third_party $(BIN)/mypy -p harness -p harness_plugins -p harness_example -p benchmarks

site: .venv/.stamp
	$(BIN)/sphinx-build -q -W -n -b html docs build/site
	@echo build/site/index.html

bench: .venv/.bench
	@$(BIN)/python -m benchmarks

format: .venv/.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# -qq hides progress and warnings about the index; an error still shows and stops.
.venv/.stamp: pyproject.toml setup.py constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "[1/3] creating .venv"
	@$(PYTHON) -m venv .venv
	@echo "[2/3] installing torch"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt setuptools torch
	@echo "[3/3] installing everything else, about two minutes"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

.venv/.bench: .venv/.stamp
	@echo "installing what only the benchmarks need"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e ".[bench]"
	@touch $@
