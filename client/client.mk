# The client package: an application to try it with.

.PHONY: example
example: setup-rehearsal  ## The example application on three nodes of a rehearsal, until Ctrl-C (PORT=8000)
	@PYTHONPATH=client python -m rehearsal.common.example $(PORT)
