# The proof of the upgrades: from the last release to this revision, and of the engine in place.

.PHONY: rehearse-upgrade
rehearse-upgrade: setup-rehearsal  ## Last release to this revision, Redis 6.2 to 7.0 and Valkey (FROM=revision)
	@tools/setup_engines.sh redis-6.2 redis-7.0 valkey-8.0
	@python -m tests.plan rehearsal.upgrade $(if $(FROM),--from $(FROM))
