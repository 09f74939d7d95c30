"""The variables that the deployment publishes, for nodes of a rehearsal: the plan's limits."""

from __future__ import annotations

from emulator.bare_nodes import Nodes

LIMITS = {
    "RATE_LIMIT_GENERAL": "120,60",
    "RATE_LIMIT_AUTH": "30,60",
    "RATE_LIMIT_SENSITIVE": "10,60",
    "RATE_LIMIT_ADMIN": "300,60",
    "RATE_LIMIT_MFA": "5,60",
    "RATE_LIMIT_FINANCIAL": "20,60",
}


def variables(nodes: Nodes, *, instances: int = 1) -> dict[str, str]:
    """For an application that is to use these nodes. Their token ends with them."""
    return LIMITS | {
        "REDIS_ENABLED": "true",
        "REDIS_URL": nodes.primary_url,
        "REDIS_PASSWORD": nodes.token,
        "REDIS_TLS": "true",
        "REDIS_TIMEOUT": "5000",
        "REDIS_MAX_RECONNECT_ATTEMPTS": "10",
        "REDIS_INSTANCES": str(instances),
        "SSL_CERT_FILE": str(nodes.ca_file),
    }
