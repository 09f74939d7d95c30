# The one interface: every command that README names is a target here.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
export PATH := $(BIN):$(PATH)
# jsii starts the Node that is on PATH: the wheel's, not the system's, which may be past its end of life.
export JSII_NODE := $(BIN)/node
# A machine may forbid compiled files: each process would compile the tests, or the CDK, again.
unexport PYTHONDONTWRITEBYTECODE

##@ Develop
.PHONY: help
help:  ## Print this list
	@for group in Develop Deploy Operate Rehearse Measure; do echo "$$group"; \
		awk -v group="$$group" -F ':.*## ' '/^##@ / {now = substr($$0, 5)} \
			now == group && /^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST); done

# --- Set-up: each stamp is newer than what it was made from, so a second run does nothing -------
# Two make commands at once share what they build: one builds, the other waits for it.
LOCKED = $(PYTHON) tools/locked.py $@

$(VENV)/.python: uv.lock tools/setup_python.sh
	@$(LOCKED) tools/setup_python.sh $(PYTHON) $(VENV) dev

node_modules/.node: package.json package-lock.json $(VENV)/.python
	@$(LOCKED) npm ci --loglevel=error --no-update-notifier --no-audit --no-fund >/dev/null

build/functions/.built: tools/build_functions.sh tools/pack.py lambda/requirements.txt $(VENV)/.python $(shell find lambda drawing -name "*.py" -o -name "*.css")
	@$(LOCKED) tools/build_functions.sh

.PHONY: setup
setup: $(VENV)/.python node_modules/.node build/functions/.built  ## Install everything that the other commands need

# What synth needs, with every version pinned: requirements.txt.
EXPORT := uv export --quiet --frozen --only-group synth --no-hashes --no-annotate --no-header --no-emit-project

# --- The main commands ---------------------------------------------------------------------------

# One environment or, without ENV, all of them.
CONTEXT := $(if $(ENV),--context env=$(ENV))
CDK := node node_modules/aws-cdk/bin/cdk --no-notices $(CONTEXT)
PYTHON_FILES := app.py aws_rules benchmarks client constructs drawing emulator environments lambda rehearsal stacks tests tools

##@ Deploy
.PHONY: synth
synth: setup  ## Write the templates of ENV (default: all) to cdk.out/, and print a summary
	@tools/synth.sh $(CDK)
	@python -m tools.summary cdk.out

.PHONY: diff
diff: setup need-env  ## Show what a deployment of ENV would change in AWS
	@$(CDK) diff "vibewell-redis-$(ENV)-*"

.PHONY: impact
impact: setup need-env  ## Show what a change does to data, access, alarms and cost (BASE: a git revision, or deployed)
	@python -m tools.impact "$(ENV)" "$(BASE)" $(if $(CHANGE),"$(CHANGE)")

.PHONY: review
review:  ## The old name of make impact, until the next release
	@echo "make review is now called make impact, and the next release has that name alone." >&2
	@$(MAKE) --no-print-directory impact

.PHONY: preflight
preflight: setup need-env  ## Check whether ENV's account accepts a deployment: one line per precondition
	@tools/synth.sh $(CDK)
	@python -m tools.preflight "$(ENV)"

.PHONY: deploy
deploy: preflight  ## Deploy ENV and check its health (REVIEWED=1: no question; RECREATE=stack whose creation failed)
	@python -m tools.deploy "$(ENV)" "$(RECREATE)" "$(REVIEWED)" $(CDK)
	@python -m tools.health $(ENV)

##@ Operate
.PHONY: stacks
stacks: setup need-env  ## Show the state of each stack of ENV, the next command, and leftovers of failed creations
	@python -m tools.stacks $(ENV)

.PHONY: health
health: setup need-env  ## Run the health check of ENV: one line per check
	@python -m tools.health $(ENV)

.PHONY: recovery-test
recovery-test: setup need-env  ## Restore the newest backup of ENV into a temporary group, and verify it
	@python -m tools.recovery_test $(ENV)

.PHONY: apply-updates
apply-updates: setup need-env  ## Apply the pending service updates of ENV, then check its health (SECURITY=1: those alone)
	@python -m tools.apply_updates $(ENV) $(if $(SECURITY),--security)

.PHONY: run-review
run-review: setup need-env  ## Run the review REVIEW of ENV now, with its message in the channel
	@python -m tools.run_review $(ENV) $(REVIEW)

# USER is also the environment's, of whoever types: only what the command says counts.
.PHONY: unblock
unblock: setup need-env  ## Reset what USER or IP has used of TIER in ENV; run it where the application runs
	@python -m tools.unblock "$(ENV)" "$(TIER)" "user=$(if $(filter command,$(firstword $(origin USER))),$(USER))" "ip=$(IP)"

.PHONY: restore
restore: setup need-env  ## Restore ENV's group from SNAPSHOT (none: empty); REPLACE=group if it exists
	@python -m tools.restore "$(ENV)" "$(SNAPSHOT)" "$(REPLACE)"
	@python -m tools.health $(ENV)

.PHONY: prove-on-aws
prove-on-aws: setup need-env  ## Prove in ENV's account what only AWS can show, on a scratch group that is deleted
	@python -m tools.prove_on_aws "$(ENV)"

.PHONY: need-env
need-env:
	@test -n "$(ENV)" || { echo "make: name the environment, for example ENV=staging" >&2; exit 1; }

# A rehearsal's copy of this folder has no rehearsal of its own.
include $(wildcard rehearsal/rehearsal.mk) benchmarks/benchmarks.mk tools/delivery.mk tools/report.mk tools/mutation.mk tools/ownership.mk

# More workers than the two cores of a small machine: most of a rehearsal's time is waiting. Their
# work is handed out in the order of tests/distribution.py.
WORKERS = -n $(1) --dist loadscope --no-loadscope-reorder
FAST := not servers and not slow and not long and not search

# The names of the last release, for one release more.
define renamed
.PHONY: $(1)
$(1):
	@echo "make: $(1) is now make $(2)" >&2
	@$$(MAKE) --no-print-directory $(2)
endef
$(eval $(call renamed,rotate-proof,rehearse-rotation))
$(eval $(call renamed,rehearse-cluster,rehearse-scaling))
$(eval $(call renamed,trial-hangs,bench-hangs))

##@ Develop
.PHONY: test
test: setup-test  ## Run every test and check
	@python -m pytest $(call WORKERS,4)

.PHONY: test-fast
test-fast: setup .venv-delivery/.python  ## Run the tests without servers and deployments
	@python -m pytest $(call WORKERS,2) -m "$(FAST)"

.PHONY: test-long
test-long: setup-test  ## Run the long forms of tests
	@python -m pytest -m long

.PHONY: client-dist
client-dist: setup  ## Build wheel and source distribution of the client in build/client
	@mkdir -p build/client
	@cd client && python -c "from flit_core import buildapi as build; \
		print(*('build/client/' + make('../build/client') for make in (build.build_wheel, build.build_sdist)), sep='\n')"

.PHONY: adopter-test
adopter-test: setup-test  ## Try edits of the settings, each in a copy: make snapshots, the tests, make rehearse
	@python -m pytest -n 2 -m "long or not long" tests/test_adopter.py

# Side by side: a compiler, downloads and the type checker wait for each other least.
# The functions' runtime, where there is such an interpreter: what pyenv has is on no PATH.
.venv-functions/.python: uv.lock tools/setup_python.sh | $(VENV)/.python
	@mkdir -p .venv-functions
	@for python in python3.13 "$$HOME"/.pyenv/versions/3.13.*/bin/python3.13; do \
		if "$$python" -c "" 2>/dev/null; then $(LOCKED) tools/setup_python.sh "$$python" .venv-functions dev; break; fi; \
	done
	@[ -x .venv-functions/bin/python ] || echo "setup: the functions' tests are not run on 3.13: there is no python3.13" >&2
	@touch $@

.PHONY: setup-test
setup-test:
	@$(MAKE) --no-print-directory --jobs=4 setup-benchmarks setup-browser setup-cli .venv-functions/.python check

.PHONY: check
check: setup check-workflows  ## Check format, lint, types and imports, and the workflows
	@PYTHONPATH=lambda:client .venv-delivery/bin/lint-imports --no-cache >build/imports.txt || { cat build/imports.txt >&2; exit 1; }
	@ruff format --check --quiet $(PYTHON_FILES) || { echo "make format fixes this" >&2; exit 1; }
	@ruff check --quiet $(PYTHON_FILES)
	@mypy $(PYTHON_FILES)
	@mypy --python-version 3.13 --cache-dir .mypy_cache/functions lambda

.PHONY: format
format: setup  ## Format, and fix what lint can fix
	@ruff check --fix --quiet $(PYTHON_FILES); ruff format --quiet $(PYTHON_FILES)

.PHONY: snapshots
snapshots: setup  ## Record the settings and templates for review; then read the difference
	@log=$$(mktemp); trap 'rm -f "$$log"' EXIT; \
	for tests in "-x tests/live/test_files.py" "tests/stacks/test_snapshots.py tests/live/test_templates.py" \
		"tests/tools/test_prove_on_aws.py::test_the_committed_table_is_of_a_run_on_aws_or_says_that_there_was_none"; do \
		python -m pytest --quiet --no-header --show-capture=no --regen-all -k "not schemas" $$tests >"$$log" || \
			{ cat "$$log" >&2; exit 1; }; \
	done
	@git status --short --untracked-files=all tests/snapshots tests/live/reviewed

.PHONY: search
search: setup  ## Search many more settings than the tests try
	@python -m pytest -m search --no-header

.PHONY: picture
picture: setup  ## Draw docs/deployment.svg, the plan's production (of ENV's: make report)
	@python -m pytest --quiet --no-header --regen-all tests/tools/test_picture.py -k committed

.PHONY: settings-reference
settings-reference: setup  ## Write docs/reference/settings.md from the settings model
	@python -m pytest --quiet --no-header --regen-all tests/test_docs.py -k settings_reference

.PHONY: lock
lock: setup  ## Pin all dependencies of pyproject.toml's groups at the newest allowed versions
	@uv lock --quiet --upgrade
	@{ sed -n '/^#/p' requirements.txt; $(EXPORT); } >requirements.new && mv requirements.new requirements.txt
