"""A group that somebody else owns: described, its login proven, attached (docs/adoption.md)."""
