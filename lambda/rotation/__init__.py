"""Rotation of the token: one rule says which passwords the user has, passes make it so (§2.3, 7.3).

    wanted.py        the rule: a pure function of labels, values and time
    convergence.py   what every node accepts, and the list sent where that differs
    steps.py         the four steps of Secrets Manager, thin over the two
    reconciler.py    the pass of our own schedule, thin over the two; publishes what it found

Every function may be called at any time, any number of times, and be killed anywhere: the next pass
goes on from what it finds. docs/rotation.md has the states as a picture.
"""
