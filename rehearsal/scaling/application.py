"""A server of the application, played here: the deployment's account, and its authority."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from rehearsal.common.rehearsal import Rehearsal
from vibewell_redis import Settings, tls


@contextmanager
def application(rehearsal: Rehearsal) -> Iterator[Settings]:
    """The settings as an application reads them; the token is fetched as long as this lasts."""
    variables = {
        name: value
        for name, value in rehearsal.embedded_aws.environment.items()
        if name.startswith("AWS_")
    }
    variables["SSL_CERT_FILE"] = str(rehearsal.authority)
    before = dict(os.environ)
    os.environ.update(variables)
    tls.trust.cache_clear()
    try:
        yield Settings.from_parameter_store(f"/vibewell/{rehearsal.checkout.name}/redis")
    finally:
        os.environ.clear()
        os.environ.update(before)
        tls.trust.cache_clear()
