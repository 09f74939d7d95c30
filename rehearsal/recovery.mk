# The proof of the recovery test: it passes, and fails in every way that it can.

.PHONY: rehearse-recovery
rehearse-recovery: setup-rehearsal  ## Restore a backup of a million keys, and fail in every way
	@python -m rehearsal.recovery
