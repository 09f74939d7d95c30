"""A group that was made by hand, in use, attached to the stacks and released again."""
