"""Every place where the embedded AWS is changed behind its public surface, by service.

Written against one version of ministack: `require_version` refuses any other, because private
names move without notice. What can be done over the AWS API, or through ministack's table of
services, is done there and not here.
"""

from collections.abc import Callable

from emulator.aws.patches import (
    account,
    cloudformation,
    details,
    endpoints,
    functions,
    instead,
    notifications,
)


def install(deliver: Callable[[str, str, str], int]) -> None:
    """Apply every patch; `deliver` takes what leaves AWS for an HTTPS subscriber."""
    details.require_version()
    instead.apply()
    details.install()
    cloudformation.install()
    notifications.install(deliver)
    functions.install()
    account.install()
    endpoints.install()
