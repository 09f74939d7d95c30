"""The security test of §6.2: attacks on a rehearsal, or on an endpoint that is given by hand.

Each check is an attack that must be refused. It says in a few words what was tried, raises
BreachError when something got through, and NotHereError where it cannot be made.
"""
