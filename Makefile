# make demo           the shipped sample into Portuguese, Spanish and Catalan, with a report
# make demo VIDEO=talk.mp4 TO=pt,es [FROM=en]   your own video
# make test           everything but the development clips;  make check  ruff, mypy, import contracts
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
VIDEO ?= samples/hello.mp4
TO ?= pt-BR,es,ca
OUT ?= out
FROM ?=
# Test files run in so many processes at once: each may take 3 GB of memory.
TEST_PROCESSES ?= 2

.PHONY: demo test test-media test-clusters test-workers check format bench setup setup-test weights tools clean

demo: setup weights
	$(BIN)/polydub dub $(VIDEO) --to $(TO) --out $(OUT) $(if $(FROM),--from $(FROM)) --prefect

test: setup-test weights
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder -m "not media and not workers and not clusters" tests

test-media: setup-test weights
	$(BIN)/python -m pytest -m media tests

# The same results on Dask and Ray clusters of two workers: some five minutes.
test-clusters: setup-test weights
	$(BIN)/python -m pytest -m clusters tests

# Engines that run in environments of their own: needs `polydub engines install`, gigabytes and minutes.
test-workers: setup-test
	$(BIN)/python -m pytest -m workers tests

check: setup-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python infra/build_language_table.py --check
	$(BIN)/python infra/build_gate_table.py --check

format: setup-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup-test weights
	$(BIN)/python infra/bench.py $(VIDEO)

setup: tools $(VENV)/.installed
setup-test: setup $(VENV)/.installed-test

# uv resolves and installs in seconds what takes pip minutes.
$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit("polydub needs Python 3.11-3.13; this is " + sys.version.split()[0] + ": set PYTHON=python3.11") if not (3, 11) <= sys.version_info[:2] < (3, 14) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "uv>=0.5"

$(VENV)/.installed: $(BIN)/uv pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python -e '.[embedded]'
	touch $@

# The studio engines are tested on tiny models: torch for them, without CUDA where the index offers that build.
$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "torch==2.13.0"
	$(BIN)/uv pip install --quiet --python $(BIN)/python -e '.[embedded,japanese,studio,s3,provenance,dask,ray,test,check,infra-check]'
	touch $@

tools:
	@PYTHON=$(PYTHON) sh infra/system_packages.sh $(if $(filter test test-media test-clusters,$(MAKECMDGOALS)),test)

weights: setup
	$(BIN)/polydub models pull

clean:
	rm -rf $(VENV) $(OUT) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
