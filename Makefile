# make run   start the app (without a display: run the default scenario headless)
# make test  lint, types and the whole suite
#            (one process more than there are cores: tests of the window wait for another process half of the time;
#            worksteal leaves neighbours, which share what is set up for a file, in one process)
# make fuzz  10 000 mutated scenarios and 5 000 files of points
# make peers our samplers step by step and run by run beside public implementations, and their speed
# make soak  every built-in scenario and 3 000 random edits in a window; kills of runs, studies, windows and the processes that compute for them
# make coverage  how often brackets of the KL hold it, over 300 seeds of eleven problems (hours)
# All make the environment in .venv where it is not there.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: run test peers benchmark coverage fuzz soak clean

run: .venv/app
	@$(BIN)/python -m app; status=$$?; \
	if [ $$status -eq 2 ]; then echo "Running the default scenario without a window instead:"; \
	$(BIN)/python -m app run three-components; else exit $$status; fi

test: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q --numprocesses $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )) --maxprocesses 5 --dist worksteal --ignore tests/peers

peers: .venv/peers
	$(BIN)/pytest -q tests/peers
	$(BIN)/python -m tests.benchmarks.peers

fuzz: .venv/test
	$(BIN)/python -m tests.fuzz.points
	$(BIN)/python -m tests.fuzz.scenarios

soak: .venv/test
	QT_QPA_PLATFORM=$${QT_QPA_PLATFORM:-offscreen} $(BIN)/python -m tests.soak
	$(BIN)/python -m tests.kill_soak
	$(BIN)/python -m tests.study_soak

benchmark: .venv/test
	$(BIN)/python -m tests.benchmarks.sampling
	$(BIN)/python -m tests.benchmarks.guard
	$(BIN)/python -m tests.benchmarks.laws
	$(BIN)/python -m tests.benchmarks.memory
	QT_QPA_PLATFORM=$${QT_QPA_PLATFORM:-offscreen} $(BIN)/python -m tests.benchmarks.interface

coverage: .venv/test
	$(BIN)/python -m tests.benchmarks.coverage

.venv/app: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) --editable .
	touch $@

.venv/test: .venv/app
	$(PIP) --editable '.[test]'
	touch $@

.venv/peers: .venv/test
	$(PIP) --editable '.[peers]'
	touch $@

clean:
	rm -rf .venv
