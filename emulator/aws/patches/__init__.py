"""Every place where the embedded AWS is changed behind its public surface, by service.

Written against one version of ministack: `require_version` refuses any other, because private
names move without notice. What can be done over the AWS API, or through ministack's table of
services, is done there and not here.
"""

from collections.abc import Callable

from emulator.aws.patches import (
    alarms,
    cloudformation,
    drift,
    endpoints,
    events,
    exports,
    failing,
    functions,
    network,
    stack_states,
    topics,
    version,
)


def install(deliver: Callable[[str, str, str], int]) -> None:
    """Apply every patch; `deliver` takes what leaves AWS for an HTTPS subscriber."""
    version.require_version()
    cloudformation.install()
    exports.install()
    stack_states.install()
    failing.install()
    topics.install(deliver)
    functions.install()
    alarms.install()
    network.install()
    endpoints.install()
    events.install()
    drift.install()
