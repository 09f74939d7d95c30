"""Whoever reads a slow run learns whether the machine was theirs alone."""

from dataclasses import replace

from rehearsal.load.oracle import used_by_others
from rehearsal.load.sampling import MACHINE
from tests.rehearsal.load import seeded


def test_what_others_used_is_what_the_machine_used_and_none_of_ours() -> None:
    run = seeded.outcome()
    busy = [
        # While the users are still coming, nothing is measured of others either.
        replace(one, cores={**one.cores, MACHINE: 1.62 if one.at >= run.plan.all_there else 9.0})
        for one in run.samples
    ]
    # Of the samples the generator has 0.1 and the one node 0.02 cores.
    assert abs(used_by_others(replace(run, samples=busy)) - 1.5) < 1e-9


def test_nobody_else_is_never_less_than_nothing() -> None:
    run = seeded.outcome()
    idle = [replace(one, cores={**one.cores, MACHINE: 0.1}) for one in run.samples]
    assert used_by_others(replace(run, samples=idle)) == 0
    assert used_by_others(replace(run, samples=[])) == 0
