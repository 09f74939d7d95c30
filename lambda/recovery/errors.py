"""Why a recovery test does not go on, beyond what every function knows (shared.errors)."""

from shared.errors import StoppedError


class NoSnapshotError(StoppedError):
    """There is no automatic snapshot that could be restored."""


class ManifestError(StoppedError):
    """The manifest is not what was deployed."""


class RestoreFailedError(StoppedError):
    """ElastiCache did not make the group."""


class TooLateError(StoppedError):
    """The group was not there in the time that a restore may take."""


class SentinelsError(StoppedError):
    """Sentinels are missing or altered: the backup is not what was written."""


class StillThereError(StoppedError):
    """The group could not be removed in the time that a removal may take."""
