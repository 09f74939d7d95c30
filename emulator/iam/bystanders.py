"""Ways to AWS services that others have, before and after a deployment of ours."""

from collections.abc import Iterable, Iterator

from emulator.iam.network import Network, SecurityGroup
from emulator.iam.paths import Paths, Place

# By routes and security groups alone: a service that nobody here makes an endpoint for.
_ANY_SERVICE = "sts"


def lost(
    before: Network, after: Network, groups: Iterable[SecurityGroup], region: str
) -> list[str]:
    """A sentence for each service that a group reached by its public name before, and not after.

    Asked for every subnet of the group's VPC, and every service that has an endpoint somewhere.
    """
    return list(dict.fromkeys(_lost(before, after, groups, region)))


def _lost(
    before: Network, after: Network, groups: Iterable[SecurityGroup], region: str
) -> Iterator[str]:
    was, becomes = Paths(before, region), Paths(after, region)
    services = {one.service for one in (*before.endpoints, *after.endpoints)} | {_ANY_SERVICE}
    for group in groups:
        for subnet in before.subnets.values():
            place = Place((group.id,), (subnet.id,))
            for service in sorted(services) if subnet.vpc == group.vpc else ():
                if was.obstacle_to_service(place, service) is None:
                    obstacle = becomes.obstacle_to_service(place, service)
                    old, new = was.endpoint(place, service), becomes.endpoint(place, service)
                    if new and new.policy not in (None, old and old.policy):
                        obstacle = f"the policy of {new.name} may refuse what was allowed"
                    if obstacle:
                        yield f"{group.name} ({group.id}) can no longer reach {service}: {obstacle}"
