"""A group with another owner: described, its login proven, attached (docs/start/adoption.md)."""
