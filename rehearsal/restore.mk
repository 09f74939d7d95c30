# The proof of a restore for good: a lost group, spoilt data, destroyed stacks.

.PHONY: rehearse-restore
rehearse-restore: setup-rehearsal  ## Lose the group, its data and its stacks, and bring the data back
	@python -m rehearsal.restore
