# What an owner does beside deployments: adopt a group that is there (docs/adoption.md).

##@ Deploy
.PHONY: adopt
adopt: setup need-env  ## Attach ENV to a group that somebody else owns; the token on standard input (ATTACH=, ALSO="logs events", RELEASED=1, UNDO=)
	@python -m tools.adopt "$(ENV)" "$(ATTACH)" "$(ALSO)" "$(RELEASED)" "$(UNDO)"
