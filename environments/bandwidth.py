"""The network bandwidth that a node type has without end.

Source: the column "Baseline bandwidth (Gbps)" of the ElastiCache user guide's "Supported node
types", whose tables for Redis OSS and Valkey agree. Above it a type of up to 4xlarge lives on
network credits ("on a best-effort basis"); then packets are delayed or dropped. As on EC2, it is
counted for each direction ("Amazon EC2 instance network bandwidth").
"""

from typing import Final

# By family, for each of its sizes, in gigabits a second.
_GBPS: Final[dict[tuple[str, ...], dict[str, float]]] = {
    ("t2", "t3", "t4g"): {"micro": 0.064, "small": 0.128, "medium": 0.256},
    ("m4",): {"large": 0.45, "xlarge": 0.75, "2xlarge": 1.0, "4xlarge": 2.0, "10xlarge": 5.0},
    ("r4",): {
        "large": 0.75,
        "xlarge": 1.25,
        "2xlarge": 2.5,
        "4xlarge": 5.0,
        "8xlarge": 12.0,
        "16xlarge": 25.0,
    },
    ("m5", "r5"): {
        "large": 0.75,
        "xlarge": 1.25,
        "2xlarge": 2.5,
        "4xlarge": 5.0,
        "12xlarge": 12.0,
        "24xlarge": 25.0,
    },
    ("m6g", "r6g", "r6gd"): {
        "large": 0.75,
        "xlarge": 1.25,
        "2xlarge": 2.5,
        "4xlarge": 5.0,
        "8xlarge": 12.0,
        "12xlarge": 20.0,
        "16xlarge": 25.0,
    },
    ("m7g", "r7g"): {
        "large": 0.937,
        "xlarge": 1.876,
        "2xlarge": 3.75,
        "4xlarge": 7.5,
        "8xlarge": 15.0,
        "12xlarge": 22.5,
        "16xlarge": 30.0,
    },
    ("m8g", "r8g"): {
        "large": 0.937,
        "xlarge": 1.875,
        "2xlarge": 3.75,
        "4xlarge": 7.5,
        "8xlarge": 15.0,
        "12xlarge": 22.5,
        "16xlarge": 30.0,
    },
    ("c7gn", "c8gn"): {
        "large": 6.25,
        "xlarge": 12.5,
        "2xlarge": 25.0,
        "4xlarge": 50.0,
        "8xlarge": 100.0,
        "12xlarge": 150.0,
        "16xlarge": 200.0,
    },
}


def baseline_gbps(name: str) -> float:
    """Gigabits a second in each direction, of a type such as "cache.t3.medium".

    Raises KeyError for a type that ElastiCache does not offer.
    """
    _, family, size = name.split(".")
    return next(sizes for families, sizes in _GBPS.items() if family in families)[size]
