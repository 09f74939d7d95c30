"""One file an environment, and the model that checks it."""
