"""The life of production on one machine: deployed, changed, destroyed, deployed again."""
