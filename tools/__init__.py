"""Commands behind the Makefile that read what was synthesised."""
