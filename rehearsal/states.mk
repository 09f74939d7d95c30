# The proof of a way on from every state of a stack.

.PHONY: rehearse-states
rehearse-states: setup-cli  ## Let creations and updates fail on this machine, and go on from each state
	@python -m rehearsal.stack_states
