"""A deployed rehearsal, or just its embedded AWS, for the tests below this folder."""

from rehearsal.common.pytest_plugin import deployed, embedded_aws

__all__ = ["deployed", "embedded_aws"]
