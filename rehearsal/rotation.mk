# The proof of the rotation: clients in constant use, through ten full rotations and deployments.

.PHONY: rotate-proof
rotate-proof: setup-rehearsal  ## Rotate the token ten times under 20 clients: zero failed commands
	@python -m rehearsal.rotation
