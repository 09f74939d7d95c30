"""The errors that ElastiCache answers with: the code, the text and the HTTP status.

Codes and statuses are those of botocore's service model of ElastiCache.
"""

from emulator.model import service


class AwsError(Exception):
    """An answer of the service that is an error. The message never holds a token."""

    http_status = 400

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        shape = service("elasticache").shape_for_error_code(code)
        if shape is not None:
            self.http_status = shape.metadata["error"]["httpStatusCode"]


def invalid_value(message: str) -> AwsError:
    """A parameter that has no meaning by itself."""
    return AwsError("InvalidParameterValue", message)


def invalid_combination(message: str) -> AwsError:
    """Parameters that exclude each other."""
    return AwsError("InvalidParameterCombination", message)


def group_state(message: str) -> AwsError:
    """The replication group is not available."""
    return AwsError("InvalidReplicationGroupState", message)


def cluster_not_found(name: str) -> AwsError:
    """No member of this id."""
    return AwsError("CacheClusterNotFound", f"CacheCluster not found: {name}")


class NotRehearsedError(AwsError):
    """AWS would do this and the rehearsal cannot: it says so instead of pretending."""

    http_status = 501

    def __init__(self, what: str) -> None:
        super().__init__("NotRehearsed", f"The rehearsal cannot do this, AWS can: {what}")
