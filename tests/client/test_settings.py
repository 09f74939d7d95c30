import re

import boto3
import pytest

from environments.schema import Settings as Environment
from tests.client.conftest import LIMITS, variables
from tests.support import Document, Synth
from tools.assembly import Stack
from vibewell_redis import RateLimitItem, Settings, SettingsError, connection_pool
from vibewell_redis.settings import TIERS

FORMS = ["", "30", "30;60", "30, 60", "-1,60", "30,60,1", "a,b", "٣٠,60", "1e2,60", "30,60\n"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *((text, "write for example 120,60") for text in FORMS),
        ("0,60", "0 requests: write 1 to 1000000"),
        ("1000001,60", "1000001 requests: write 1 to 1000000"),
        ("1,0", "0 seconds: write 1 to 1209600"),
        ("1,1209601", "1209601 seconds: write 1 to 1209600"),
    ],
)
def test_a_limit_that_cannot_be_kept_is_refused_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        RateLimitItem.parse("auth", text)


@pytest.mark.parametrize("name", ["", "Auth", "a:b", "a}b", "1st", "a" * 33, "a b", "a\n"])
def test_a_name_that_could_leave_its_place_in_the_key_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="becomes part of a key"):
        RateLimitItem.of(name, 1, 1)


PATH = "/vibewell/production/redis"
ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:token-AbCdEf"


def publish(session: boto3.Session, data: Stack) -> None:
    """The parameters of the template, as CloudFormation would make them."""
    ssm = session.client("ssm")
    for parameter in data.of_type("AWS::SSM::Parameter").values():
        value = parameter["Value"]
        if not isinstance(value, str):
            secret = parameter["Name"].endswith("SECRET_ARN")
            value = ARN if secret else "rediss://primary.example:6379"
        ssm.put_parameter(Name=parameter["Name"], Value=value, Type=parameter["Type"])


@pytest.mark.plan("2.4")
def test_the_templates_parameters_are_settings(session: boto3.Session, data: Stack) -> None:
    publish(session, data)
    settings = Settings.from_parameter_store(PATH, session)
    assert settings.password_secret_arn == ARN
    assert settings.password is None
    assert (settings.pool_size, settings.pool_idle_seconds, settings.instances) == (20, 60, 40)
    assert limits_of(settings) == LIMITS


@pytest.mark.plan("2.4")
def test_tiers_of_ones_own_are_published_like_the_plans(
    session: boto3.Session, synth: Synth, document: Document
) -> None:
    limits = document["application"]["rate_limits"]
    hour, second = {"requests": 1000, "seconds": 3600}, {"requests": 10, "seconds": 1}
    # The last two differ by nothing that a logical id may hold.
    own = {"free": [hour, second], "pro-plus": hour, "a_1b": hour, "a1_b": second}
    limits |= own | {"auth": [limits["auth"], hour]}
    stacks = synth([Environment.model_validate(document)])
    publish(session, stacks["vibewell-redis-production-data"])
    tiers = Settings.from_parameter_store(PATH, session).tiers
    assert list(tiers) == [*TIERS, *own]
    assert (str(tiers["free"]), str(tiers["auth"])) == ("10,1;1000,3600", "30,60;1000,3600")
    assert str(tiers["pro-plus"]) == str(tiers["a_1b"]) == "1000,3600"


# What release 1.0 of the client reads, by the forms that it takes; the stack of that release
# publishes the first of each pair. There is no tag of it: these are its parameters, kept.
OF_1_0 = {
    "REDIS_ENABLED": ("true", "true|false"),
    "REDIS_URL": ("rediss://primary.example:6379", r"rediss://[\w.-]+:6379"),
    "REDIS_PASSWORD_SECRET_ARN": (ARN, "arn:aws:.*"),
    "REDIS_TLS": ("true", "true|false"),
    "REDIS_TIMEOUT": ("5000", r"\d+"),
    "REDIS_MAX_RECONNECT_ATTEMPTS": ("10", r"\d+"),
    "REDIS_POOL_SIZE": ("20", r"\d+"),
    "REDIS_POOL_IDLE_SECONDS": ("60", r"\d+"),
    "REDIS_INSTANCES": ("40", r"\d+"),
    **{name: (limit, r"\d+,\d+") for name, limit in LIMITS.items()},
}


@pytest.mark.plan("2.4")
def test_this_client_reads_the_stack_of_the_release_before(session: boto3.Session) -> None:
    for name, (value, _) in OF_1_0.items():
        session.client("ssm").put_parameter(Name=f"{PATH}/{name}", Value=value, Type="String")
    settings = Settings.from_parameter_store(PATH, session)
    assert list(settings.tiers) == list(TIERS)
    assert (settings.password_secret_arn, settings.pool_size) == (ARN, 20)


@pytest.mark.plan("2.4")
def test_the_release_before_reads_this_stack(session: boto3.Session, data: Stack) -> None:
    publish(session, data)
    pages = session.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=PATH)
    found = {one["Name"].rpartition("/")[2]: one["Value"] for p in pages for one in p["Parameters"]}
    for name, (_, form) in OF_1_0.items():
        assert re.fullmatch(form, found[name]), name


def test_a_missing_parameter_is_named_with_its_path_and_an_empty_path_apart(
    session: boto3.Session, data: Stack
) -> None:
    with pytest.raises(SettingsError, match=f"^{PATH} holds no parameters"):
        Settings.from_parameter_store(PATH, session)
    publish(session, data)
    session.client("ssm").delete_parameter(Name=f"{PATH}/RATE_LIMIT_MFA")
    with pytest.raises(SettingsError, match=f"^RATE_LIMIT_MFA in {PATH} is missing"):
        Settings.from_parameter_store(PATH, session)
    for path in (PATH[1:], f"{PATH}/"):
        with pytest.raises(SettingsError, match=f"^'{path}' is not an SSM path"):
            Settings.from_parameter_store(path, session)


def test_an_aws_that_refuses_is_a_message_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    with pytest.raises(SettingsError, match="cannot be read: Unable to locate credentials"):
        Settings.from_parameter_store(PATH, boto3.Session(region_name="us-east-1"))


URL = "rediss://master.vibewell-redis.abc123.use1.cache.amazonaws.com:6379"
TOKEN = "a-token-that-must-never-be-shown"  # noqa: S105 - it opens nothing


PLAN_2_4 = {
    "RATE_LIMIT_GENERAL": "120,60",
    "RATE_LIMIT_AUTH": "30,60",
    "RATE_LIMIT_SENSITIVE": "10,60",
    "RATE_LIMIT_ADMIN": "300,60",
    "RATE_LIMIT_MFA": "5,60",
    "RATE_LIMIT_FINANCIAL": "20,60",
}


def limits_of(settings: Settings) -> dict[str, str]:
    return {f"RATE_LIMIT_{name.upper()}": str(item) for name, item in settings.tiers.items()}


def without(*names: str, **others: str) -> dict[str, str]:
    found = variables(URL, TOKEN, **others)
    for name in names:
        del found[name]
    return found


@pytest.mark.plan("2.4")
@pytest.mark.plan("5.4")
def test_the_plans_variables_are_all_that_is_needed() -> None:
    settings = Settings.from_environment(variables(URL, TOKEN))
    assert (settings.enabled, settings.tls, settings.host) == (True, True, URL[9:-5])
    assert (settings.port, settings.timeout, settings.max_reconnect_attempts) == (6379, 5.0, 10)
    assert (settings.pool_size, settings.pool_idle_seconds) == (20, 60)
    assert limits_of(settings) == PLAN_2_4
    assert TOKEN not in repr(settings) + str(settings)


@pytest.mark.parametrize("name", sorted({*variables("", "")} - {"REDIS_PASSWORD"}))
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
        ("RATE_LIMIT_MFA", "5,60;", "is no limit: '' is not of the form requests,seconds"),
        ("RATE_LIMIT_MFA", "5,60;9,60", "is no limit: two windows have the same length"),
        ("RATE_LIMIT_MFA", ";".join(f"1,{n}" for n in range(1, 10)), "9 windows: write 1 to 8"),
        ("RATE_LIMIT_TIERS", "Free", "is wrong: the name 'Free' becomes part of a key"),
        ("RATE_LIMIT_TIERS", "auth", "whose variable RATE_LIMIT_AUTH is taken"),
        ("RATE_LIMIT_TIERS", "tiers", "whose variable RATE_LIMIT_TIERS is taken"),
    ],
)
def test_a_bad_value_is_named_with_what_to_write(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings.from_environment(variables(URL, TOKEN, **{name: value}))
    # The variable that is named is the one to look at first: two can contradict each other.
    assert str(refusal.value).startswith(("REDIS_TLS" if "one is wrong" in said else name) + " in ")
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("left_out", "others", "said"),
    [
        ([], {"REDIS_URL": f"rediss://:{TOKEN}@redis:6379"},
         "^REDIS_URL .* carries more than an address"),
        (["REDIS_PASSWORD"], {}, "^REDIS_PASSWORD .* accepts no login without its token"),
        ([], {"REDIS_PASSWORD_SECRET_ARN": ARN}, "^REDIS_PASSWORD .* differ after a rotation"),
        ([], {"RATE_LIMIT_TIERS": "pro-plus"}, "^RATE_LIMIT_PRO_PLUS in .* is missing"),
    ],
)  # fmt: skip
def test_variables_that_do_not_go_together_are_refused_without_the_token(
    left_out: list[str], others: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingsError, match=said) as refusal:
        Settings.from_environment(without(*left_out, **others))
    assert TOKEN not in str(refusal.value)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:7000", "redis://[::1]", "memory://x"])
def test_on_the_developers_machine_the_address_and_what_differs_is_enough(url: str) -> None:
    settings = Settings.from_environment({"REDIS_URL": url, "RATE_LIMIT_MFA": "2,60"})
    assert (settings.enabled, settings.tls, settings.timeout) == (True, False, 5.0)
    assert limits_of(settings) == LIMITS | {"RATE_LIMIT_MFA": "2,60"}
    assert settings.in_memory is url.lower().startswith("memory")


@pytest.mark.parametrize("url", [URL, "redis://redis:6379", "redis://localhost.example"])
def test_elsewhere_nothing_is_taken_for_granted(url: str) -> None:
    with pytest.raises(SettingsError, match=r"_TLS|_ENABLED|_MFA in the environment is missing"):
        Settings.from_environment({"REDIS_URL": url, "REDIS_PASSWORD": TOKEN})


def test_memory_has_no_pool() -> None:
    with pytest.raises(ValueError, match="memory:// keeps no connections"):
        connection_pool(Settings.from_environment({"REDIS_URL": "memory://"}))
