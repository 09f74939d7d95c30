"""Rotation of the token: one rule says which passwords the user has, passes make it so (§2.3, 7.3).

The rule is in wanted.py, and convergence.py makes it so; steps.py and reconciler.py are thin over the
two. Each may be called at any time, any number of times, and be killed anywhere: the next pass goes
on from what it finds. docs/rotation.md has the states as a picture.
"""
