"""Which constructs live and die together."""
