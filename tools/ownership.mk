# What an owner does beside deployments: docs/start/adoption.md, docs/operate/scaling.md.

##@ Deploy
.PHONY: adopt
adopt: setup need-env  ## Attach ENV to a group that somebody else owns; the token on standard input (ATTACH=, ALSO="logs events", RELEASED=1, UNDO=)
	@python -m tools.adopt "$(ENV)" "$(ATTACH)" "$(ALSO)" "$(RELEASED)" "$(UNDO)"

.PHONY: upgrade-notes
upgrade-notes: setup need-env  ## List what this checkout changes for ENV since FROM: settings, templates, client
	@python -m tools.upgrade_notes "$(ENV)" "$(FROM)"

##@ Operate
.PHONY: scale
scale: setup need-env  ## In a hurry: NODE_TYPE and REPLICAS of ENV, by a change set of its data stack alone (CONFIRM=the name of ENV: no question)
	@python -m tools.scale "$(ENV)" "$(NODE_TYPE)" "$(REPLICAS)" "$(CONFIRM)" $(CDK)

.PHONY: look
look: setup need-env  ## Show the cause of a node's alarm of ENV: figures, Redis, slow log, events, fix (ALARM=memory)
	@python -m tools.look "$(ENV)" "$(ALARM)"
