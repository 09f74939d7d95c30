"""The nodes that the client is tried on."""

from rehearsal.fixtures import nodes

__all__ = ["nodes"]
