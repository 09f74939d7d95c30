# Which changes of the code no fast test notices (tests/mutations.md).

.venv-mutation/.python: uv.lock tools/setup_python.sh | $(VENV)/.python
	@$(LOCKED) tools/setup_python.sh $(PYTHON) .venv-mutation mutation

##@ Measure
.PHONY: mutation
mutation: setup .venv-mutation/.python  ## Show which mutants of ROOM survive its fast tests (client, rotation, recovery, health; MUTANTS='…')
	@tools/mutation.sh "$(ROOM)" "$(FAST)" "$(MUTANTS)"
