PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: app test lint chromium sounds bench space fuzz audit clean

app: $(VENV)/.app
	$(BIN)/python app.py

test: $(VENV)/.dev lint chromium sounds
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

bench: $(VENV)/.bench chromium
	$(BIN)/python -m tests.benchmarks.answer
	$(BIN)/python -m tests.benchmarks.inside
	$(BIN)/python -m tests.benchmarks.ear
	$(BIN)/python -m tests.benchmarks.generation
	$(BIN)/python -m tests.benchmarks.load
	$(BIN)/python -m tests.benchmarks.distributed
	$(BIN)/python -m tests.benchmarks.cluster
	$(BIN)/python -m tests.benchmarks.whole
	$(BIN)/python -m tests.benchmarks.extraction
	$(BIN)/python -m tests.benchmarks.limits
	$(BIN)/python -m tests.benchmarks.epochs
	$(BIN)/python -m tests.benchmarks.notes
	$(BIN)/python -m tests.benchmarks.startup
	@$(BIN)/python -m tests.benchmarks

space: $(VENV)/.app
	@test -n "$(SPACE)" || { echo "Say where to: make space SPACE=user/name"; exit 2; }
	@files=$$(mktemp -d) && trap 'rm -rf "$$files"' EXIT && git archive HEAD | tar -x -C "$$files" && \
	$(BIN)/hf upload "$(SPACE)" "$$files" . --repo-type space --delete "*"

fuzz: $(VENV)/.dev
	$(BIN)/python -m tests.fuzz

audit: $(VENV)/.app
	$(PYTHON) -m venv .cache/audit
	.cache/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	.cache/audit/bin/pip-audit --strict --path $$($(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

chromium:
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	echo "No Chromium found: installing it for the browser tests."; \
	(apt-get update -qq && apt-get install -y -qq chromium) >/dev/null 2>&1 || \
	(sudo -n apt-get update -qq && sudo -n apt-get install -y -qq chromium) >/dev/null 2>&1 || \
	echo "CHROMIUM CANNOT BE INSTALLED HERE: the browser tests will be skipped, or fail where CI is set."

sounds:
	@for name in espeak-ng sox; do \
	command -v $$name >/dev/null || \
	(apt-get update -qq && apt-get install -y -qq $$name) >/dev/null 2>&1 || \
	(sudo -n apt-get update -qq && sudo -n apt-get install -y -qq $$name) >/dev/null 2>&1 || \
	echo "$$name CANNOT BE INSTALLED HERE: tests with its sounds will be skipped, or fail where CI is set."; done

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.app: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $(VENV)/.app $@

$(VENV)/.bench: requirements-bench.txt requirements-dev.txt requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	touch $(VENV)/.app $(VENV)/.dev $@

clean:
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis
