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
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- Set-up: each stamp is newer than what it was made from, so a second run does nothing -------

$(VENV)/.python: requirements.txt requirements-dev.txt constraints.txt tools/setup_python.sh
	@tools/setup_python.sh $(PYTHON) $(VENV)
	@touch $@

node_modules/.node: package.json package-lock.json $(VENV)/.python
	@npm ci --silent --no-audit --no-fund
	@touch $@

.PHONY: setup
setup: $(VENV)/.python node_modules/.node  ## Install everything that the other commands need
