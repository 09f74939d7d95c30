"""The stacks of an environment: their states, the way on from each, and what was left behind."""
