"""One page about an environment: everything on it is read from where it is true."""
