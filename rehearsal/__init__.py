"""The production environment deployed on one machine: an embedded AWS and real Redis nodes."""
