"""Rotation of the token: one rule says which passwords the user has, passes make it so (§2.3, 7.3).

The rule is in wanted.py, convergence.py makes it so, and steps.py and reconciler.py are thin over
both. Each may be called at any time, any number of times, and be killed anywhere: the next pass
goes on from what it finds. docs/operate/rotation.md has the states as a picture.
"""
