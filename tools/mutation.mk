# Which changes of the code no fast test notices (docs/mutations.md).

.venv-mutation/.python: $(addprefix tools/mutation/,requirements.txt constraints.txt) requirements-dev.txt constraints.txt tools/setup_venv.sh | $(VENV)/.python
	@tools/setup_venv.sh $(PYTHON) .venv-mutation tools/mutation "what mutations need"
	@touch $@

.PHONY: mutation
mutation: setup .venv-mutation/.python  ## Which mutants of ROOM survive its fast tests (client, rotation, recovery, health; MUTANTS='…')
	@tools/mutation/mutation.sh "$(ROOM)" "$(FAST)" "$(MUTANTS)"
