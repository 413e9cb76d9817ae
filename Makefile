# Every target that needs Python builds .venv first, unless an environment is active in which emoclass is installed.
SHELL := /bin/bash
.DEFAULT_GOAL := help
DATASET ?= muxspace
PROFILE ?= full
RUNS ?= 8
PYTHON ?= python3

# Recipes read what the user names from the environment, as it was typed: a path may hold a dollar sign, a quote or a
# backtick. $(value) keeps make from reading dollar signs itself.
define as_typed
override export $(1) := $$(value $(1))
endef
$(foreach name,DATASET PROFILE ONLY SET RUNS PHOTOS ARCHIVE,$(eval $(call as_typed,$(name))))

# Notebooks run in a folder of their own, where a relative path would lead elsewhere. ($(abspath) stops at a space.)
absolute = $(if $(filter /% ~%,$(firstword $(1))),$(1),$(CURDIR)/$(1))
ifdef EMOCLASS_DATA
override export EMOCLASS_DATA := $(call absolute,$(value EMOCLASS_DATA))
endif
ifdef EMOCLASS_BUILD
override export EMOCLASS_BUILD := $(call absolute,$(value EMOCLASS_BUILD))
endif
ifdef SUBJECT
override export EMOCLASS_SUBJECT := $(value SUBJECT)
endif

# -I: what is installed there counts, not the folder that we stand in.
ACTIVE := $(shell [ -n "$$VIRTUAL_ENV$$CONDA_PREFIX" ] && python -I -c 'import emoclass' 2>/dev/null && command -v python)
RUN := $(or $(ACTIVE),.venv/bin/python)
READY := $(if $(ACTIVE),,.venv/.ready)
# The packages of this checkout: emoclass, and splitaudit once it is there.
PROJECTS = pyproject.toml $(wildcard splitaudit/pyproject.toml)
EDITABLE = --editable . $(if $(wildcard splitaudit/pyproject.toml),--editable ./splitaudit)
LOCKED = $(shell cat requirements.lock $(PROJECTS) | cksum)

.PHONY: FORCE help reproduce retrain verify check audit test soak pythons lab lint data model site play bench others lock clean

help:  ## say what there is to make
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 12

reproduce: $(READY)  ## make notebooks, figures and numbers: train what is missing (ONLY=03_leakage, SET="ROTATION=30 CLASSES=['sadness']", DATASET=synthetic or a folder, SUBJECT=regex, PROFILE=quick)
	@$(RUN) -m emoclass reproduce --dataset="$$DATASET" --profile="$$PROFILE" --only="$$ONLY" --set="$$SET"

retrain: $(READY)  ## train every run from nothing, hours; the same command goes on where it stopped (ONLY=03_leakage)
	@$(RUN) -m emoclass retrain --only="$$ONLY"

verify: $(READY)  ## train a random sample of the runs again, and say whether anything moved (RUNS=8)
	@$(RUN) -m emoclass verify --runs="$$RUNS"

check: $(READY)  ## fail if a notebook, a figure or a number in the README is older than what it was made from
	@$(RUN) -m emoclass check

# the threads of BLAS of tests side by side would wait for each other
test soak: export OPENBLAS_NUM_THREADS = 1
test: $(READY)  ## run all tests: on synthetic faces, and on the photos where they are
	@$(RUN) -m pytest -n auto --dist loadfile --no-loadscope-reorder  # notebooks, the longest, begin early
	@$(RUN) -m pytest -n auto -c splitaudit/pyproject.toml splitaudit/tests

soak: $(READY)  ## run the tests that take a quarter of an hour: a study killed at twenty moments, two at once, damaged files, photos of your own
	@$(RUN) -m pytest -m soak

pythons:  ## run all tests on each Python from 3.11 to 3.13 that is here, each in an environment of its own below build/
	@for python in $$(ls /usr/bin/python3.1[123] /usr/local/bin/python3.1[123] ~/.pyenv/versions/3.1[123].*/bin/python 2>/dev/null); do \
	    place=build/pythons/$$($$python -c 'import platform; print(platform.python_version())'); \
	    echo "$$python: $$place"; \
	    [ -x $$place/bin/python ] || $$python -m venv $$place || exit 2; \
	    { $$place/bin/python -m pip install --quiet --disable-pip-version-check uv && \
	      $$place/bin/uv pip sync --quiet --compile-bytecode --python $$place/bin/python --require-hashes requirements.lock && \
	      $$place/bin/uv pip install --quiet --python $$place/bin/python --no-deps $(EDITABLE); } || exit 2; \
	    $$place/bin/python -m pytest -n auto --dist loadfile --no-loadscope-reorder || exit 1; \
	    $$place/bin/python -m pytest -n auto -c splitaudit/pyproject.toml splitaudit/tests || exit 1; \
	done

audit: $(READY)  ## which photos of a folder stand twice or were made from another, across its split: PHOTOS=/path
	@$(RUN) -m emoclass audit -- "$$PHOTOS"

lab: $(READY)  ## open the notebooks in JupyterLab
	@$(RUN) -m jupyterlab --notebook-dir=notebooks

lint: $(READY)  ## check style and layout of the code
	@$(RUN) -m ruff check . && $(RUN) -m ruff format --check .

data: $(READY)  ## fetch the photos, or unpack them (ARCHIVE=file.tar.gz), and verify them
	@$(RUN) -m emoclass fetch --archive="$$ARCHIVE"

model: $(READY)  ## train the model to take away on everything, into build/model (minutes)
	@$(RUN) -m emoclass export --dataset="$$DATASET" --profile="$$PROFILE"

site: export NO_MKDOCS_2_WARNING = 1
site: $(READY)  ## README, docs, notebooks and a page to play with, as static pages, into build/site
	@$(RUN) -m mkdocs build --quiet --clean && \
	    echo "build/site/index.html: open it in a browser (search needs a server: $(RUN) -m http.server -d build/site)"

play: $(READY)  ## train the small nets of the page to play with and draw its faces, into docs/play (minutes)
	@$(RUN) -m emoclass.study.play

bench: $(READY)  ## measure speed side by side with what people would use instead, into figures/bench.json (minutes)
	@$(RUN) benchmarks/bench.py

others: $(READY)  ## train what others trained on these photos, in the same folds, into figures/muxspace/results.json (an hour)
	@$(RUN) benchmarks/others.py

lock: .venv/.ready  ## pin the packages of pyproject.toml anew, for all platforms (KEEP=1: those pinned already stay)
	@.venv/bin/uv pip compile --quiet $(if $(KEEP),,--upgrade) --universal --generate-hashes --extra test --extra cluster --extra docs --no-header \
	    --no-annotate --no-emit-index-url --no-emit-package emoclass --no-emit-package splitaudit \
	    --python-version 3.11 $(PROJECTS) --output-file requirements.lock > /dev/null

clean:  ## remove what can be made again, finished runs included (they take the longest)
	rm -rf build

# What .venv was made from stands in .ready, by content: a checkout makes files newer, and no other.
.venv/.ready: FORCE
	@[ ! -L .venv ] || { echo "error: .venv is a link to $$(readlink .venv), which others may use: remove the link" >&2; exit 2; }
	@[ "$$(cat $@ 2>/dev/null)" = "$(LOCKED)" ] || $(MAKE) --no-print-directory -f "$(firstword $(MAKEFILE_LIST))" .venv

# In place: where something fails, what was there before is not lost. Compiled at once: where Python may not write
# beside what it reads (PYTHONDONTWRITEBYTECODE, a folder of somebody else's), TensorFlow starts six seconds later.
.venv: FORCE
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	    echo "emoclass needs Python 3.11 to 3.13, and $(PYTHON) is $$($(PYTHON) --version 2>&1); name another one: make PYTHON=python3.12" >&2; exit 2; }
	@echo "building .venv"
	@[ -x .venv/bin/python ] || $(PYTHON) -m venv .venv
	@{ { [ -x .venv/bin/uv ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check uv; } && \
	   .venv/bin/uv pip sync --quiet --compile-bytecode --python .venv/bin/python --require-hashes requirements.lock && \
	   .venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps $(EDITABLE); } || { \
	    echo "error: the packages could not all be installed (is there a network, and room?): the same command goes on from here" >&2; exit 2; }
	@echo "$(LOCKED)" > .venv/.ready
