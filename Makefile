# Every target makes what it needs: the first run creates .venv, installs and builds; later ones start at once.
#   make sim ARGS="--seed 8"      what follows `nightside sim`
#   make PYTHON=/usr/bin/python3  the interpreter to make .venv with
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
PIP := $(PY) -m pip --quiet --disable-pip-version-check
STAMP := $(VENV)/.nightside
PYTHON ?=
ARGS ?=
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
# CMake and ninja come as wheels; the environment's own programs are found first.
export PATH := $(CURDIR)/$(BIN):$(PATH)
unexport PYTHONPATH

C_SOURCES := $(shell find csrc sim_hw/csrc -name '*.c' 2>/dev/null | sort)
C_HEADERS := $(shell find csrc sim_hw/csrc -name '*.h' 2>/dev/null | sort)
C_PRODUCT := $(filter-out csrc/tests/% csrc/fuzz/% sim_hw/csrc/tests/%,$(C_SOURCES))
C_CMAKE := $(shell find CMakeLists.txt csrc sim_hw/csrc hal -name CMakeLists.txt -o -name '*.cmake' 2>/dev/null)
C_BINDINGS := $(wildcard hal/*build*.py sim_hw/*build*.py sim_hw/csrc/*.py)

# The flags of every C file. -fanalyzer belongs to `make check`: it is too slow for each build.
C_FLAGS := -std=c11 -D_POSIX_C_SOURCE=200809L -O1 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
    -Wcast-qual -Wmissing-prototypes -Wvla -Werror -fPIC -Icsrc/include -Isim_hw/csrc

LINE_MIN := 95 # per cent of the lines of flight
SIM_LINE_MIN := 90 # per cent of the lines of sim_hw
BRANCH_MIN := 95 # per cent of the branches of flight/core
C_LINE_MIN := 95
C_BRANCH_MIN := 85
FUZZ_SECONDS ?= 60
SEED ?= $(shell date +%s)

.PHONY: help sim test test-python test-c check bench fuzz-smoke verify compare property docs captures install clean distclean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | while IFS="$$(printf '\t')" read -r n t; \
	    do printf '  make %-10s %s\n' "$$n" "$$t"; done

sim: $(STAMP)/native ## fly one orbit in simulation (ARGS="--seed 8 --duration 1d ...")
	@$(BIN)/nightside sim $(ARGS)

test: test-python test-c ## all tests: Python, C under ASan and UBSan, threads under TSan, coverage

check: $(STAMP)/native $(STAMP)/check $(STAMP)/test ## format, lint, types, C warnings and analyzer, tidiness
	@$(MAKE) --no-print-directory --keep-going check-python check-types check-c check-tidy

bench: $(STAMP)/native ## speed, into build/bench/ (CPU time; nothing else asserts elapsed time)
	@mkdir -p build/bench
	@$(PY) -m benchmarks $(ARGS)

fuzz-smoke: $(STAMP)/native ## each fuzz target for a minute (FUZZ_SECONDS=60), into build/bench/fuzz.json
	@tools/find_fuzzer.sh
	@$(PY) tools/fuzz_smoke.py $(FUZZ_SECONDS) $(ARGS)

verify: $(STAMP)/native $(STAMP)/test ## what is too long or too timed for `make test` (SEED=1)
	@tools/find_broker.sh
	@tools/find_basilisk.sh $(PY)
	@echo "hypothesis seed $(SEED)"
	@$(PY) -m pytest -m verify --hypothesis-profile=long --hypothesis-seed=$(SEED) -s $(ARGS)

compare: $(STAMP)/native $(STAMP)/test ## of `make verify`, the plant against skyfield, Basilisk and closed forms
	@tools/find_basilisk.sh $(PY)
	@rm -rf build/verify
	@$(PY) -m pytest -m verify tests/verify -q -s $(ARGS)

property: $(STAMP)/native $(STAMP)/test ## the property tests again, longer, from a new seed (SEED=1)
	@echo "hypothesis seed $(SEED)"
	@$(PY) -m pytest tests/property --hypothesis-profile=long --hypothesis-seed=$(SEED) $(ARGS)

docs: $(STAMP)/native $(STAMP)/docs ## the documentation, into build/docs/
	@$(BIN)/sphinx-build -W --keep-going -q -b html docs build/docs
	@echo "build/docs/index.html"

captures: $(STAMP)/native $(STAMP)/test ## the pictures of the docs and the README's flight again, from real runs
	@$(PY) tools/captures.py $(ARGS)

install: $(STAMP)/native ## .venv with Nightside in it, ready for use

clean: ## remove what was built, keep .venv
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .coverage $(STAMP)/native

distclean: clean ## remove .venv as well
	rm -rf $(VENV)

# ---- what the targets above stand on ----

test-python: $(STAMP)/native $(STAMP)/test
	@tools/find_broker.sh
	@$(PY) -m pytest -q -rs -n $(JOBS) --dist loadfile --no-loadscope-reorder --hypothesis-profile=ci \
	    --cov --cov-report= $(ARGS)
	@echo "== coverage"
	@$(PY) tools/coverage_gate.py --lines $(LINE_MIN) --sim-lines $(SIM_LINE_MIN) --branches $(BRANCH_MIN)

test-c: $(STAMP)/native $(STAMP)/test
	@echo "== C tests under ASan and UBSan"
	@$(call cmake_tests,sanitize,-DCMAKE_BUILD_TYPE=Debug -DNIGHTSIDE_SANITIZE=ON)
	@echo "== threads under TSan"
	@$(call cmake_tests,threads,-DCMAKE_BUILD_TYPE=Debug -DNIGHTSIDE_THREAD_SANITIZE=ON,-L threads)
	@echo "== line and branch coverage of csrc"
	@$(call cmake_tests,coverage,-DCMAKE_BUILD_TYPE=Debug -DNIGHTSIDE_COVERAGE=ON)
	@$(BIN)/gcovr --root . --filter 'csrc/' --exclude 'csrc/(tests|fuzz)/' --fail-under-line $(C_LINE_MIN) \
	    --fail-under-branch $(C_BRANCH_MIN) --txt - --txt-summary build/coverage

# Configure with $(2), build and run CTest with $(3) in build/$(1); quiet unless something is wrong.
define cmake_tests
set -e; mkdir -p build; \
log=build/$(1).log; \
{ [ -f build/$(1)/build.ninja ] || $(BIN)/cmake -S . -B build/$(1) -G Ninja -DNIGHTSIDE_PYTHON=OFF $(2); } >$$log 2>&1 \
    || { cat $$log; exit 1; }; \
find build/$(1) -name '*.gcda' -delete; \
$(BIN)/cmake --build build/$(1) >$$log 2>&1 || { cat $$log; exit 1; }; \
$(BIN)/ctest --test-dir build/$(1) --output-on-failure --no-tests=error -j $(JOBS) $(3) >$$log 2>&1 \
    || { cat $$log; exit 1; }; \
grep -E 'tests passed|tests failed' $$log
endef

.PHONY: check-python check-types check-c check-tidy analyze
check-python:
	@echo "== ruff"
	@$(BIN)/ruff format --quiet --check . || { echo "mend with: ruff format ."; $(BIN)/ruff format --check . | grep -- '-->'; false; }
	@$(BIN)/ruff check .

check-types:
	@echo "== mypy --strict"
	@$(BIN)/mypy

check-c:
	@echo "== clang-format"
	@$(BIN)/clang-format --dry-run -Werror $(C_SOURCES) $(C_HEADERS)
	@echo "== gcc -Werror -fanalyzer"
	@$(MAKE) --no-print-directory --keep-going -j$(JOBS) analyze

check-tidy:
	@echo "== tidy"
	@$(PY) -m pytest -q tests/test_tidy.py

$(STAMP)/venv: tools/bootstrap.sh
	@tools/bootstrap.sh $(VENV) $(PYTHON)
	@mkdir -p $(STAMP)
	@touch $@

$(STAMP)/base: $(STAMP)/venv pyproject.toml
	@echo "nightside: installing what it needs into $(VENV)"
	@$(PIP) install $$($(PY) tools/requirements.py build-system build project)
	@touch $@

# Not isolated and with a kept build directory, so that a rebuild takes seconds.
$(STAMP)/native: $(STAMP)/base $(C_CMAKE) $(C_SOURCES) $(C_HEADERS) $(C_BINDINGS)
	@echo "nightside: building"
	@$(PIP) install --no-build-isolation --no-deps --config-settings=build-dir=build/editable -e .
	@touch $@

$(STAMP)/%: $(STAMP)/base
	@echo "nightside: installing what '$*' needs"
	@$(PIP) install $$($(PY) tools/requirements.py $*)
	@touch $@

ANALYZED := $(C_PRODUCT:%.c=build/analyze/%.o)

analyze: $(ANALYZED)

build/analyze/%.o: %.c $(C_HEADERS) Makefile
	@mkdir -p $(@D)
	@$(CC) $(C_FLAGS) -fanalyzer -c $< -o $@
