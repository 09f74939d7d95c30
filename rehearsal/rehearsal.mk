# The rehearsal: production deployed on this machine, on an embedded AWS with real Redis nodes.

.venv-rehearsal/.python: rehearsal/requirements.txt rehearsal/constraints.txt tools/setup_venv.sh | $(VENV)/.python
	@tools/setup_venv.sh $(PYTHON) .venv-rehearsal rehearsal "the embedded AWS"
	@touch $@

build/engines/redis-6.2: | $(VENV)/.python
	@tools/setup_engines.sh

.PHONY: setup-rehearsal
setup-rehearsal: setup .venv-rehearsal/.python build/engines/redis-6.2  ## Install what a rehearsal needs

.PHONY: rehearse
rehearse: setup-rehearsal  ## Deploy production on this machine, change, destroy, deploy again (KEEP=1 keeps it)
	@python -m rehearsal.common.run $(if $(KEEP),--keep)

.PHONY: rehearse-stop
rehearse-stop:  ## End the rehearsals that KEEP=1 left running
	@python -m rehearsal.common.run --stop

.venv-cli/.python: rehearsal/cli/requirements.txt rehearsal/cli/constraints.txt tools/setup_venv.sh | $(VENV)/.python
	@tools/setup_venv.sh $(PYTHON) .venv-cli rehearsal/cli "the AWS command line"
	@touch $@

.PHONY: setup-cli
setup-cli: setup-rehearsal .venv-cli/.python  ## Install what the documents' commands are tried with
