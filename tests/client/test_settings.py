import pytest

from tests.client.conftest import LIMITS, variables
from vibewell_redis import Settings, SettingsError

URL = "rediss://master.vibewell-redis.abc123.use1.cache.amazonaws.com:6379"
TOKEN = "a-token-that-must-never-be-shown"  # noqa: S105 - it opens nothing


def without(*names: str, **others: str) -> dict[str, str]:
    found = variables(URL, TOKEN, **others)
    for name in names:
        del found[name]
    return found


@pytest.mark.plan("2.4")
def test_the_plans_variables_are_all_that_is_needed() -> None:
    settings = Settings.from_environment(variables(URL, TOKEN))
    assert settings.enabled
    assert settings.tls
    assert (settings.host, settings.port) == (URL[9:-5], 6379)
    assert settings.timeout == 5.0
    assert settings.max_reconnect_attempts == 10
    assert {name: str(item) for name, item in settings.tiers.items()} == {
        "general": "120,60",
        "auth": "30,60",
        "sensitive": "10,60",
        "admin": "300,60",
        "mfa": "5,60",
        "financial": "20,60",
    }


@pytest.mark.plan("5.4")
def test_a_pool_has_20_connections_and_closes_idle_ones_after_60_seconds() -> None:
    settings = Settings.from_environment(variables(URL, TOKEN))
    assert (settings.pool_size, settings.pool_idle_seconds) == (20, 60)


@pytest.mark.parametrize(
    "name",
    ["REDIS_ENABLED", "REDIS_URL", "REDIS_TLS", "REDIS_TIMEOUT", "REDIS_MAX_RECONNECT_ATTEMPTS"]
    + list(LIMITS),
)
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} in the environment is missing"):
        Settings.from_environment(without(name))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("REDIS_ENABLED", "yes", "is 'yes'. Write true or false."),
        ("REDIS_TLS", "1", "is '1'. Write true or false."),
        ("REDIS_TLS", "false", "is false and REDIS_URL begins with rediss://: one is wrong"),
        ("REDIS_TIMEOUT", "5s", "is '5s'. Write a whole number from 1 to 600000."),
        ("REDIS_TIMEOUT", "0", "is '0'. Write a whole number from 1"),
        ("REDIS_TIMEOUT", "٥", "Write a whole number"),
        ("REDIS_TIMEOUT", "9" * 5000, "Write a whole number"),
        ("REDIS_MAX_RECONNECT_ATTEMPTS", "-1", "is '-1'. Write a whole number from 0 to 1000."),
        ("REDIS_POOL_SIZE", "0", "Write a whole number from 1 to 10000."),
        ("REDIS_POOL_IDLE_SECONDS", "1.5", "Write a whole number from 1 to 86400."),
        ("REDIS_INSTANCES", "none", "Write a whole number from 1 to 100000."),
        ("REDIS_URL", "redis:6379", "is not the address of a Redis. Write rediss://"),
        ("REDIS_URL", "https://redis:6379", "is not the address of a Redis. Write rediss://"),
        ("REDIS_URL", "rediss://redis:port", "is not the address of a Redis. Write rediss://"),
        ("REDIS_URL", "redis://redis:6379", "one is wrong"),
        ("RATE_LIMIT_MFA", "5/60", "is no limit: '5/60' is not of the form requests,seconds"),
        ("RATE_LIMIT_MFA", "0,60", "is no limit: 0 requests"),
    ],
)
def test_a_bad_value_is_named_with_what_to_write(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings.from_environment(variables(URL, TOKEN, **{name: value}))
    # The variable that is named is the one to look at first: two can contradict each other.
    assert str(refusal.value).startswith(("REDIS_TLS" if "one is wrong" in said else name) + " in ")
    assert said in str(refusal.value)


def test_a_password_inside_the_address_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingsError, match="^REDIS_URL .* carries more than an address") as said:
        Settings.from_environment(without(REDIS_URL=f"rediss://:{TOKEN}@redis:6379"))
    assert TOKEN not in str(said.value)


def test_tls_without_a_token_is_refused() -> None:
    with pytest.raises(SettingsError, match="^REDIS_PASSWORD .* takes nobody without its AUTH"):
        Settings.from_environment(without("REDIS_PASSWORD"))


def test_a_token_beside_a_secret_is_refused_since_they_will_differ() -> None:
    with pytest.raises(SettingsError, match="^REDIS_PASSWORD .* will differ after a rotation"):
        Settings.from_environment(without(REDIS_PASSWORD_SECRET_ARN="arn:aws:x"))


def test_a_redis_on_the_developers_machine_needs_neither_tls_nor_a_token() -> None:
    settings = Settings.from_environment(
        without("REDIS_PASSWORD", REDIS_TLS="false", REDIS_URL="redis://localhost")
    )
    assert (settings.host, settings.port, settings.tls) == ("localhost", 6379, False)


def test_the_token_is_in_no_representation() -> None:
    settings = Settings.from_environment(variables(URL, TOKEN))
    assert TOKEN not in repr(settings)
    assert TOKEN not in str(settings)
