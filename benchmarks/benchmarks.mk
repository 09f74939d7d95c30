# What is measured: the limiter beside its peers, a hung Redis, capacity, synth.

.venv-benchmarks/.python: uv.lock tools/setup_python.sh | $(VENV)/.python
	@$(LOCKED) tools/setup_python.sh $(PYTHON) .venv-benchmarks benchmarks

##@ Develop
.PHONY: setup-benchmarks
setup-benchmarks: setup-rehearsal .venv-benchmarks/.python  ## Install what the benchmarks and the load test need

##@ Measure
.PHONY: bench
bench: setup  ## Measure how long synth takes, as a ratio to an app with one key
	@python -m benchmarks.synth

.PHONY: bench-limiter
bench-limiter: setup-benchmarks  ## Compare the limiter with limits and throttled-py, in one run
	@python -m benchmarks.limiter.run

.PHONY: bench-hangs
bench-hangs: setup-rehearsal  ## Let Redis hang at random for ten minutes: no decision is late (SECONDS=30: shorter)
	@python -m benchmarks.hangs $(SECONDS)

.PHONY: bench-capacity
bench-capacity: setup-benchmarks  ## Measure what a decision, an identity and a connection cost Redis (RECORD=1 keeps it)
	@python -m benchmarks.capacity $(if $(RECORD),--record)

##@ Deploy
.PHONY: scaling
scaling: setup  ## Write the tables of docs/operate/scaling.md again, in the plan's figures
	@log=$$(mktemp); trap 'rm -f "$$log"' EXIT; CDK_VALIDATION=false python -m tests.plan benchmarks.capacity --document 2>"$$log" || { cat "$$log" >&2; exit 1; }
