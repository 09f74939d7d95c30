"""Regions, zones and what is sold there are AWS's own: botocore and cfn-lint know of new ones."""

import json
from pathlib import Path

import botocore.session

from environments.node_types import NODE_TYPES
from environments.regions import NOT_SOLD, REGIONS, zones

SOLD = "data/schemas/extensions/aws_elasticache_cachecluster/cachenodetype_enum.json"


def test_the_regions_are_those_of_botocore() -> None:
    known = botocore.session.get_session().get_available_regions("elasticache")
    assert frozenset(known) == REGIONS


def test_what_is_sold_and_which_zones_there_are_is_as_cfn_lint_knows() -> None:
    import cfnlint  # it takes seconds
    from cfnlint.helpers import AVAILABILITY_ZONES

    sold = json.loads((Path(cfnlint.__file__).parent / SOLD).read_text())
    current = {name for name, node in NODE_TYPES.items() if not node.previous_generation}
    for region in REGIONS:
        missing = {name for name in current if NODE_TYPES[name].family in NOT_SOLD[region]}
        assert missing == current - {*sold[region]["enum"]}, region
        assert set(AVAILABILITY_ZONES[region]) <= {*zones(region)}, region
        assert zones(region)[-1] == max(*AVAILABILITY_ZONES[region]), region
