"""The errors that ElastiCache answers with: the code, the text and the HTTP status.

Codes and statuses are those of botocore's service model of ElastiCache.
"""


class AwsError(Exception):
    """An answer of the service that is an error. The message never holds a token."""

    def __init__(self, code: str, message: str, http_status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.http_status = http_status


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
    return AwsError("CacheClusterNotFound", f"CacheCluster not found: {name}", 404)


class NotRehearsedError(AwsError):
    """AWS would do this and the rehearsal cannot: it says so instead of pretending."""

    def __init__(self, what: str) -> None:
        super().__init__("NotRehearsed", f"The rehearsal cannot do this, AWS can: {what}", 501)
