"""The Regions are AWS's own: botocore knows when one is added."""

import botocore.session

from environments.regions import REGIONS


def test_the_regions_are_those_of_botocore() -> None:
    known = botocore.session.get_session().get_available_regions("elasticache")
    assert frozenset(known) == REGIONS
