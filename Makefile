# `make run` and `make test` set everything up by themselves: a Python 3.11 or newer is all they need.
PYTHON ?= python3
RECIPE ?= recipes/halfcheetah_pomdp.yaml
BIN := .venv/bin

.PHONY: run test quick bench screen soak kills lint setup system-packages clean

run: .venv/ready ## train the main recipe and watch it (RECIPE=... for another)
	@$(BIN)/accel run $(RECIPE)

# What a terminal shows within seconds is tested alone, by itself on the machine.
test: lint ## lint, types, the import contract, all tests
	@scripts/system-packages.sh --try-tests
	$(BIN)/pytest --numprocesses 4 --dist loadgroup --no-loadscope-reorder --ignore tests/e2e/terminal --ignore tests/tui
	$(BIN)/pytest --numprocesses 2 --dist loadgroup tests/tui
	$(BIN)/pytest tests/e2e/terminal

quick: lint ## the same without the tests that train until something is learned
	@scripts/system-packages.sh --try-tests
	$(BIN)/pytest -m "not learning and not slow"

# The second with the memory settings that engines are started with (acceltui/launch/call.py), which others have not.
bench: .venv/ready ## how fast training is beside others, as ratios, and how it grows; about ten minutes
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/speed.py --out benchmarks/results/speed.json
	MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=1099511627776 OMP_NUM_THREADS=1 $(BIN)/python benchmarks/scaling.py --out benchmarks/results/scaling.json --plot docs/scaling.png

screen: .venv/ready ## what the dashboard costs in a real terminal; about twelve minutes
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/dashboard.py --out benchmarks/results/dashboard.json

soak: .venv/ready ## an hour of runs that are killed at random: nothing may leak
	$(BIN)/python benchmarks/soak.py --minutes 60 --out benchmarks/results/soak.json

kills: .venv/ready ## a hundred kill -9 at random moments: a hundred resumes; about half an hour
	$(BIN)/python benchmarks/kills.py --kills 100 --out benchmarks/results/kills.json

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: .venv/ready ## only set up

system-packages: ## what ManiSkill recipes need of the system (Vulkan)
	@scripts/system-packages.sh --install

clean: ## remove the environment and caches; runs stay
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache *.egg-info

# torch comes first and by its pin: left to whatever depends on it, pip may choose a build of several gigabytes.
.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) scripts/check_python.py
	@echo "Setting up .venv: some minutes, once."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,maniskill,plots,serve,video]'
	@scripts/system-packages.sh --try
	@touch $@
