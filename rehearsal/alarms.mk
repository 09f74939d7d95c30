# The alarm drill: every alarm of production into ALARM and back, through its own metrics.

.PHONY: rehearse-alarms
rehearse-alarms: setup-rehearsal  ## Deploy production on this machine and drive each alarm there and back
	@python -m rehearsal.alarms
