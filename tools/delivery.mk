# Delivery: what the workflows of .github/workflows run, for a laptop too.

.PHONY: prepare
prepare: setup need-env  ## Change sets of what a deployment of ENV would change, to be approved
	@PYTHONPATH=lambda python -m tools.deploy_guard $(ENV)
	@tools/synth.sh $(CDK)
	@python -m tools.change_sets.prepare $(ENV) $(CDK)

.PHONY: execute
execute: setup need-env  ## Deploy exactly what make prepare ENV=… prepared, and check ENV's health
	@PYTHONPATH=lambda python -m tools.deploy_guard $(ENV)
	@python -m tools.change_sets.execute $(ENV)
	@python -m tools.health $(ENV)

.PHONY: deploy-roles
deploy-roles: setup need-env  ## Once, by hand: the roles that ENV's workflows take (docs/delivery.md)
	@$(CDK) deploy --app ".venv/bin/python -O -m tools.delivery_app" --output cdk.out.delivery \
	  "vibewell-redis-$(ENV)-delivery"
