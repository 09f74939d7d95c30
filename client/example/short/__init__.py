"""One limited endpoint or task in each framework, to copy from."""
