# One vocabulary for people and CI: setup lint type test repro new submit leaderboard demo bench clean help
PYTHON ?=
# What .venv was made with holds until somebody says otherwise: GPU= or GPU=0 goes back to the processor's lock.
GPU ?= $(shell cat .venv/gpu 2>/dev/null)
LOCK := requirements$(if $(filter-out 0,$(GPU)),-gpu).lock
BIN := .venv/bin
# The lock's content and this folder: another lock or a moved folder makes a new environment, a new date on it does not.
STAMP := .venv/setup-$(shell { pwd; cat $(LOCK); } | cksum | tr ' ' '-').stamp
export DVC_NO_ANALYTICS := 1

.PHONY: all setup scm lint type test repro submit leaderboard new demo bench lock clean help

all: setup repro  ## set everything up, then run the main job (default)

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) scm  ## make .venv from the lock and compile it (GPU=1 for the CUDA libraries, GPU= without them again)

$(STAMP):
	@bash tools/make_venv.sh "$(PYTHON)" "$(LOCK)"
	@touch $@

# DVC looks for Git and stops where there is none; told so, it runs. Undone as soon as there is Git.
scm: $(STAMP)
	@if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then \
	  if grep -qs no_scm .dvc/config.local; then $(BIN)/dvc config --quiet --local --unset core.no_scm; fi; \
	elif ! grep -qs no_scm .dvc/config.local; then \
	  echo "setup: no Git repository here, DVC runs without one; its diffs and experiments need Git (git init)"; \
	  mkdir -p .dvc && $(BIN)/dvc config --quiet --local core.no_scm true; \
	fi

# The competitions first: their submissions are what most people wait for.
repro: setup  ## run every stage that is not up to date: raw files to submissions, then images, reviews and labs
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dvc repro check report
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dvc repro

submit: setup  ## send a file to Kaggle and keep its score: make submit NAME=titanic M="what is new"
	@test -n "$$M" || { echo 'expected: make submit NAME=titanic M="what is new"' >&2; exit 2; }
	@$(BIN)/python -m pipeline.submit "$(or $(NAME),titanic)" -m "$$M" $(if $(filter-out 0,$(FORCE)),--force)

leaderboard: setup  ## what was submitted, CV beside public score, as a table and a plot
	@$(BIN)/python -m pipeline.leaderboard $(NAME)

lint: setup  ## ruff: style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

type: setup  ## mypy
	@$(BIN)/mypy

test: lint type  ## lint, types and all tests
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest

demo: setup  ## the whole chain on data the project makes itself: no network, no mirror
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pipeline.demo

# Further options in OPTIONS, as in: make new NAME=x TRAIN=t.csv TEST=u.csv OPTIONS="--metric rmse".
new: setup  ## a new competition: NAME=... TRAIN=... TEST=... [SAMPLE=...] [OPTIONS=...]
	@test -n "$(NAME)" -a -n "$(TRAIN)" -a -n "$(TEST)" || { echo 'expected: make new NAME=... TRAIN=... TEST=...' >&2; exit 2; }
	@$(BIN)/python -m pipeline.new "$(NAME)" --train "$(TRAIN)" --test "$(TEST)" $(if $(SAMPLE),--sample "$(SAMPLE)") $(OPTIONS)

# The chain's raw files and the search's arrays must lie there.
bench: setup  ## time, memory, bytes and quality, side by side; writes reports/bench/
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dvc repro normalize@titanic
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m bench

# Needs uv. No index address may enter a lock.
lock:  ## pin all dependencies with hashes
	uv pip compile pyproject.toml --group dev --universal --fork-strategy fewest --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-annotate --no-header --upgrade -o requirements.lock
	uv pip compile pyproject.toml --extra gpu --group dev --universal --fork-strategy fewest --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header --upgrade -o requirements-gpu.lock

clean:  ## remove the environment and what stages cached; raw files, reports and params stay
	rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache data/encode data/normalize data/tune data/train data/ensemble data/fashion_mnist data/imdb .dvc/cache .dvc/tmp
