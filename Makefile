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

.PHONY: help
help:  ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- Set-up: each stamp is newer than what it was made from, so a second run does nothing -------

$(VENV)/.python: requirements.txt requirements-dev.txt constraints.txt tools/setup_python.sh tools/install.sh
	@tools/setup_python.sh $(PYTHON) $(VENV)
	@touch $@

node_modules/.node: package.json package-lock.json $(VENV)/.python
	@npm ci --loglevel=error --no-update-notifier --no-audit --no-fund >/dev/null
	@touch $@

build/functions/.built: tools/build_functions.sh tools/pack.py lambda/requirements.txt $(VENV)/.python $(shell find lambda -name '*.py')
	@tools/build_functions.sh
	@touch $@

.PHONY: setup
setup: $(VENV)/.python node_modules/.node build/functions/.built  ## Install everything that the other commands need

# --- The main commands ---------------------------------------------------------------------------

# One environment or, without ENV, all of them.
CONTEXT := $(if $(ENV),--context env=$(ENV))
CDK := node node_modules/aws-cdk/bin/cdk --no-notices $(CONTEXT)
PYTHON_FILES := app.py benchmarks client constructs emulator environments lambda rehearsal stacks tools tests

.PHONY: synth
synth: setup  ## Templates of ENV (default: all) in cdk.out/, and a table of what is in them
	@tools/synth.sh $(CDK)
	@python -m tools.summary cdk.out

.PHONY: diff
diff: setup need-env  ## What a deployment of ENV would change in AWS
	@$(CDK) diff "vibewell-redis-$(ENV)-*"

.PHONY: impact
impact: setup need-env  ## What a change does to data, access, alarms and money (BASE: a git revision, or deployed)
	@python -m tools.impact "$(ENV)" "$(BASE)" $(if $(CHANGE),"$(CHANGE)")

.PHONY: review
review:  ## The old name of make impact, until the next release
	@echo "make review is now called make impact, and the next release has that name alone." >&2
	@$(MAKE) --no-print-directory impact

.PHONY: deploy
deploy: setup need-env  ## Deploy ENV, but change no login during a rotation, and check its health (REVIEWED=1: no question; RECREATE=stack whose creation failed)
	@PYTHONPATH=lambda python -m tools.deploy "$(ENV)" "$(RECREATE)" "$(REVIEWED)" $(CDK)
	@python -m tools.health $(ENV)

.PHONY: stacks
stacks: setup need-env  ## The state of each stack of ENV, the command on from it, and what failed creations left
	@python -m tools.stacks $(ENV)

.PHONY: health
health: setup need-env  ## Does ENV serve, and is it what its template asks for? A line a check
	@python -m tools.health $(ENV)

.PHONY: recovery-test
recovery-test: setup need-env  ## Restore the newest backup of ENV into a throw-away group, and verify it
	@python -m tools.recovery_test $(ENV)

.PHONY: apply-updates
apply-updates: setup need-env  ## Apply the service updates that wait for ENV, then its health (SECURITY=1: those alone)
	@PYTHONPATH=lambda python -m tools.apply_updates $(ENV) $(if $(SECURITY),--security)

.PHONY: run-review
run-review: setup need-env  ## Run the review REVIEW of ENV now: its message goes to the channel
	@python -m tools.run_review $(ENV) $(REVIEW)

.PHONY: restore
restore: setup need-env  ## Bring ENV's group back from SNAPSHOT (none: empty); REPLACE=it if it is there
	@PYTHONPATH=lambda python -m tools.restore "$(ENV)" "$(SNAPSHOT)" "$(REPLACE)"
	@python -m tools.health $(ENV)

.PHONY: need-env
need-env:
	@test -n "$(ENV)" || { echo "make: name the environment, for example ENV=staging" >&2; exit 1; }

include rehearsal/common/rehearsal.mk emulator/cloudwatch.mk rehearsal/rotation.mk rehearsal/recovery.mk rehearsal/restore.mk rehearsal/states.mk rehearsal/upgrade.mk benchmarks/benchmarks.mk client/client.mk delivery/delivery.mk tools/report.mk

.PHONY: test
test: setup-test  ## Every test and every check
	@python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: test-long
test-long: setup-test  ## The long forms of what is tested in a shorter one
	@python -m pytest -m long

.PHONY: adopter-test
adopter-test: setup-test  ## Edits of the settings, each in a copy: make snapshots, the tests, make rehearse
	@python -m pytest -n 2 -m "long or not long" tests/test_adopter.py

# Side by side: a compiler, downloads and the type checker wait for each other least.
.PHONY: setup-test
setup-test:
	@$(MAKE) --no-print-directory --jobs=4 setup-trials setup-browser setup-cli check

.PHONY: check
check: setup check-workflows  ## Format, lint and types, of the workflows too
	@ruff format --check --quiet $(PYTHON_FILES) || { echo "make format mends this" >&2; exit 1; }
	@ruff check --quiet $(PYTHON_FILES)
	@mypy $(PYTHON_FILES)

.PHONY: format
format: setup  ## Format, and mend what lint can mend
	@ruff check --fix --quiet $(PYTHON_FILES); ruff format --quiet $(PYTHON_FILES)

.PHONY: snapshots
snapshots: setup  ## Write down what the settings and templates are now; then read the difference
	@log=$$(mktemp); trap 'rm -f "$$log"' EXIT; \
	for tests in "-x tests/live/test_files.py" "tests/stacks/test_snapshots.py tests/live/test_templates.py"; do \
		python -m pytest --quiet --no-header --show-capture=no --regen-all -k "not schemas" $$tests >"$$log" || \
			{ cat "$$log" >&2; exit 1; }; \
	done
	@git status --short --untracked-files=all tests/snapshots tests/live/reviewed

.PHONY: search
search: setup  ## A property-based search over many more settings than the tests try
	@python -m pytest -m search --no-header

.PHONY: bench
bench: setup  ## How long synth takes, as a ratio to an app with one key
	@python -m benchmarks.synth

.PHONY: picture
picture: setup  ## Draw docs/deployment.svg, the plan's production (of ENV's: make report)
	@python -m pytest --quiet --no-header --regen-all tests/tools/test_picture.py -k committed

.PHONY: lock
lock:  ## Pin everything that the requirements pull in, at the newest versions they allow
	@rm -rf .venv && $(PYTHON) -m venv .venv && .venv/bin/pip install -qq -r requirements-dev.txt
	@{ sed -n 1p constraints.txt; .venv/bin/pip freeze; } >constraints.new && mv constraints.new constraints.txt
