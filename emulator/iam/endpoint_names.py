"""The names of an interface endpoint.

Source: VPC user guide, "Access AWS services through AWS PrivateLink": DNS hostnames, and its sample
answer of DescribeVpcEndpoints.
"""

import hashlib
from collections.abc import Iterable

_OWN = ".vpce.amazonaws.com"


def own_names(endpoint_id: str, service_name: str, zones: Iterable[str]) -> list[str]:
    """The endpoint's regional name, then one name for each zone.

    AWS chooses the letters after the id; here they follow from it.
    """
    service, region = _parts(service_name)
    letters = hashlib.sha256(endpoint_id.encode()).hexdigest()[:8]
    label = f"{endpoint_id.lower()}-{letters}"
    return [
        f"{label}{zone}.{service}.{region}{_OWN}" for zone in ("", *(f"-{zone}" for zone in zones))
    ]


def default_name(service_name: str) -> str:
    """The service's public name, which private DNS takes over in the endpoint's VPC."""
    service, region = _parts(service_name)
    return f"{service}.{region}.amazonaws.com"


def is_own(name: str) -> bool:
    """Whether a host name is one of an endpoint's own names."""
    return name.endswith(_OWN)


def regional(names: Iterable[str]) -> str:
    """Of an endpoint's own names the one that names no zone, whatever their order; else ``""``."""
    return min(filter(is_own, names), key=len, default="")


def _parts(service_name: str) -> tuple[str, str]:
    *_, region, service = service_name.split(".")
    return service, region
