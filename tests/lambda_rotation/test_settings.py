from datetime import timedelta

import pytest

from rotation.settings import Settings

ENVIRONMENT = {
    "SECRET_ARN": "arn",
    "USER_ID": "vibewell-redis-default",
    "REPLICATION_GROUP_ID": "vibewell-redis",
    "RETIRE_AFTER_SECONDS": "86400",
    "CLIENT_CACHE_SECONDS": "300",
    "MOST_REFUSED_LOGINS": "4",
}


def test_settings_come_from_the_functions_environment() -> None:
    expected = Settings("arn", "vibewell-redis-default", "vibewell-redis", timedelta(days=1), 4)
    assert Settings.read(ENVIRONMENT) == expected


@pytest.mark.parametrize("retire_after", ["299", "300"])
def test_an_old_token_that_a_client_may_still_cache_is_never_retired(retire_after: str) -> None:
    with pytest.raises(ValueError, match="clients would be locked out"):
        Settings.read(ENVIRONMENT | {"RETIRE_AFTER_SECONDS": retire_after})
