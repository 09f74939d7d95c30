# Delivery: what the workflows of .github/workflows run, for a laptop too (docs/operate/delivery.md).

.venv-delivery/.python: uv.lock tools/setup_python.sh | $(VENV)/.python
	@$(LOCKED) tools/setup_python.sh $(PYTHON) .venv-delivery delivery

##@ Develop
.PHONY: check-workflows
check-workflows: .venv-delivery/.python  ## Lint the workflows with actionlint and zizmor
	@.venv-delivery/bin/actionlint
	@.venv-delivery/bin/zizmor --offline --quiet --no-progress --persona=pedantic .github

##@ Deploy
.PHONY: prepare
prepare: preflight  ## Create the change sets of a deployment of ENV, for approval
	@python -m tools.deploy_guard $(ENV)
	@python -m tools.change_sets.prepare $(ENV) $(CDK)

.PHONY: execute
execute: setup need-env  ## Execute exactly what make prepare ENV=… prepared, and check ENV's health
	@python -m tools.deploy_guard $(ENV)
	@python -m tools.change_sets.execute $(ENV)
	@python -m tools.health $(ENV)

##@ Operate
.PHONY: drift
drift: setup need-env  ## Show out-of-band changes of ENV (drift); fails if there are any
	@python -m tools.drift $(ENV)

##@ Develop
.PHONY: environment-names
environment-names:  ## Print which environments have a file, here or in change/, for a workflow's step
	@python3 -c 'import json, pathlib; print("names=" + json.dumps(sorted({file.stem for folder in (".", "change") for file in pathlib.Path(folder).glob("environments/*.toml")})))'

##@ Deploy
# NAME is also the machine's, on some systems: only what the command says counts.
.PHONY: new-environment
new-environment: setup  ## Write settings and workflow jobs of NAME after FROM's, with the Slack channel CHANNEL
	@python -m tools.new_environment "$(if $(filter command,$(firstword $(origin NAME))),$(NAME))" "$(FROM)" "$(CHANNEL)"

.PHONY: comment
comment:  ## Write each report in FOLDER as a comment of pull request PULL_REQUEST, in place
	@python3 tools/impact/comment.py "$(FOLDER)" "$(PULL_REQUEST)"

.PHONY: sbom
sbom: setup .venv-delivery/.python  ## Write the bills of materials (CycloneDX) of tools and functions to build/sbom
	@mkdir -p build/sbom
	@.venv-delivery/bin/cyclonedx-py environment --output-reproducible --of JSON -o build/sbom/tools-python.json .venv
	@.venv-delivery/bin/cyclonedx-py requirements --output-reproducible --of JSON -o build/sbom/functions.json lambda/requirements.txt
	@npm sbom --sbom-format cyclonedx --sbom-type application >build/sbom/tools-node.json

.PHONY: deploy-roles
deploy-roles: setup need-env  ## Create the roles that ENV's workflows assume; once, by hand
	@output=$$(mktemp -d); trap 'rm -rf "$$output"' EXIT; \
	  $(CDK) deploy --app ".venv/bin/python -O -m tools.delivery_app" --output "$$output" \
	  "vibewell-redis-$(ENV)-delivery"
