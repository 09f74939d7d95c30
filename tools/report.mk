# The report: one page about an environment, and the browser that it is tried in.

##@ Operate
.PHONY: report
report: setup need-env $(if $(REHEARSE),setup-rehearsal)  ## Write one page about ENV: picture, plan, alarms, costs (REHEARSE=1: with data in graphs)
	@tools/synth.sh $(CDK)
	$(if $(REHEARSE),@python -m rehearsal.dashboard $(ENV) build/report/recording-$(ENV).json)
	@python -m tools.report cdk.out $(ENV)

.PHONY: reports
reports:  ## Write the report of every environment
	@for file in environments/*.toml; do $(MAKE) --no-print-directory report ENV="$$(basename "$$file" .toml)"; done

##@ Develop
.PHONY: setup-browser
setup-browser: setup  ## Install the Chromium for the report's tests
	@tools/setup_browser.sh
