"""Charts and pages, for whoever needs them: it imports nothing of this project's."""
