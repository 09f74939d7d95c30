# The rehearsal: production deployed on this machine, on an embedded AWS with real Redis nodes,
# and the scenarios that it is put through.

.venv-emulator/.python: uv.lock tools/setup_python.sh | $(VENV)/.python
	@$(LOCKED) tools/setup_python.sh $(PYTHON) .venv-emulator emulator

build/engines/redis-6.2: | $(VENV)/.python
	@tools/setup_engines.sh

##@ Develop
.PHONY: setup-rehearsal
setup-rehearsal: setup .venv-emulator/.python build/engines/redis-6.2  ## Install what a rehearsal needs

##@ Rehearse
.PHONY: rehearse
rehearse: setup-rehearsal  ## Deploy production on this machine, change, destroy, deploy again (KEEP=1 keeps it; ACCOUNT=lived-in or new)
	@python -m rehearsal.lifecycle $(ACCOUNT) $(if $(KEEP),--keep)

.PHONY: rehearse-shell
rehearse-shell: setup-cli  ## Open a shell on the rehearsal that KEEP=1 left: make and aws reach nothing else there
	@python -m rehearsal.lifecycle --shell

.PHONY: rehearse-stop
rehearse-stop:  ## End the rehearsals that KEEP=1 left running
	@python -m rehearsal.lifecycle --stop

.venv-cli/.python: uv.lock tools/setup_python.sh | $(VENV)/.python
	@$(LOCKED) tools/setup_python.sh $(PYTHON) .venv-cli cli

##@ Develop
.PHONY: setup-cli
setup-cli: setup-rehearsal .venv-cli/.python  ## Install the AWS command line for the tests of the documents' commands

##@ Rehearse
.PHONY: rehearse-alarms
rehearse-alarms: setup-rehearsal  ## Deploy production on this machine and drive each alarm into ALARM and back
	@python -m rehearsal.alarms

.PHONY: rehearse-rotation
rehearse-rotation: setup-rehearsal  ## Rotate the token ten times under 20 clients: zero failed commands
	@python -m rehearsal.rotation

.PHONY: rehearse-recovery
rehearse-recovery: setup-rehearsal  ## Restore a backup of a million keys, and let the test fail in every way
	@python -m rehearsal.recovery

.PHONY: rehearse-restore
rehearse-restore: setup-rehearsal  ## Lose the group, its data and its stacks, and restore the data
	@python -m rehearsal.restore

.PHONY: rehearse-states
rehearse-states: setup-cli  ## Let creations and updates fail on this machine, and continue from each state
	@python -m rehearsal.stack_states

.PHONY: rehearse-upgrade
rehearse-upgrade: setup-rehearsal  ## Deploy this revision over the last release, then Redis 7.0 and Valkey (FROM=revision)
	@tools/setup_engines.sh redis-6.2 redis-7.0 valkey-8.0
	@python -m tests.plan rehearsal.upgrade $(FROM)

.PHONY: rehearse-adoption
rehearse-adoption: setup-rehearsal  ## Attach a hand-made group in use, release it, attach it again: zero refused commands
	@python -m rehearsal.adoption

.PHONY: rehearse-scaling
rehearse-scaling: setup-rehearsal  ## Change shards, replicas and node size by one line each, with a limiter in use
	@python -m tests.plan rehearsal.scaling

.PHONY: loadtest
loadtest: setup-benchmarks  ## Run 5000 users on the example application: five lines, pass or fail (SHORT=1: 100)
	@python -m rehearsal.load $(if $(SHORT),--short)

.PHONY: sectest
sectest: setup-rehearsal  ## Attack a rehearsal, or URL=rediss://… : one line per check (§6.2)
	@python -m rehearsal.security $(URL)

##@ Develop
.PHONY: example
example: setup-rehearsal  ## Run the example application on three nodes of a rehearsal, until Ctrl-C (PORT=8000)
	@python -m rehearsal.common.example $(PORT)
