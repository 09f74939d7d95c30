# The trials of the client: its speed beside others', its limits under load, its defences.

.venv-trials/.python: benchmarks/requirements.txt benchmarks/constraints.txt tools/setup_venv.sh | $(VENV)/.python
	@tools/setup_venv.sh $(PYTHON) .venv-trials benchmarks "what the trials need"
	@touch $@

.PHONY: setup-trials
setup-trials: setup-rehearsal .venv-trials/.python  ## Install what the trials of the client need

.PHONY: bench-limiter
bench-limiter: setup-trials  ## The limiter beside limits, throttled-py and pyrate-limiter, in one run
	@python -m benchmarks.limiter

.PHONY: trial-hangs
trial-hangs: setup-rehearsal  ## Ten minutes of a Redis that hangs at random: no decision is late (SECONDS=30: shorter)
	@PYTHONPATH=client python -m benchmarks.hangs $(SECONDS)

.PHONY: loadtest
loadtest: setup-trials  ## 5000 users on the example application: five lines, pass or fail (SHORT=1: 100)
	@python -m rehearsal.load $(if $(SHORT),--short)

.PHONY: sectest
sectest: setup-rehearsal  ## Attack a rehearsal, or URL=rediss://… : one line a check (§6.2)
	@python -m rehearsal.security $(if $(URL),--url $(URL))

.PHONY: rehearse-cluster
rehearse-cluster: setup-rehearsal  ## Shards, replicas and larger nodes by one line each, under a limiter in use
	@PYTHONPATH=client python -m tests.plan rehearsal.scaling

.PHONY: bench-capacity
bench-capacity: setup-trials  ## What a decision, an identity and a connection cost Redis (RECORD=1 keeps it)
	@PYTHONPATH=client python -m benchmarks.capacity $(if $(RECORD),--record)

.PHONY: scaling
scaling: setup  ## Write the tables of docs/scaling.md anew, in the plan's figures
	@log=$$(mktemp); trap 'rm -f "$$log"' EXIT; CDK_VALIDATION=false PYTHONPATH=client \
		python -m tests.plan benchmarks.capacity.document 2>"$$log" || { cat "$$log" >&2; exit 1; }
