# The report: one page about an environment, and the browser that it is tried in.

.PHONY: report
report: setup need-env $(if $(REHEARSE),setup-rehearsal)  ## One page about ENV: picture, plan and proofs, alarms, costs (REHEARSE=1: live graphs)
	@tools/synth.sh $(CDK)
	$(if $(REHEARSE),@PYTHONPATH=client python -m rehearsal.dashboard $(ENV) build/report/recording-$(ENV).json)
	@python -m tools.report cdk.out $(ENV)

.PHONY: setup-browser
setup-browser: setup  ## Fetch the Chromium that the report is tried in
	@tools/setup_browser.sh
