"""One file per environment, and the model that checks it."""
