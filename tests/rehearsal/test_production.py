"""Production, deployed: what was asked for is there, and each check can fail."""

from collections.abc import Callable

import pytest

from emulator.errors import RehearsalError
from rehearsal.common.checks import CHECKS, access, logins, monitoring, replication_group, settings
from rehearsal.common.deployed import only, resources
from rehearsal.common.existence import exists, has_address
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import destroy
from vibewell_redis import Settings, Source, tls
from vibewell_redis.asyncio import RateLimiter


@pytest.mark.parametrize(("what", "check"), CHECKS)
def test_what_was_asked_for_is_there(
    what: str, check: Callable[[Rehearsal], str], deployed: Rehearsal
) -> None:
    assert check(deployed), what


def test_nothing_is_left_to_change(deployed: Rehearsal) -> None:
    assert "Number of stacks with differences: 0" in deployed.cdk.diff()


def test_protected_stacks_are_not_destroyed(deployed: Rehearsal) -> None:
    assert destroy.refused(deployed)


def test_every_resource_can_be_looked_for_after_its_deletion(deployed: Rehearsal) -> None:
    missing = [
        str(found)
        for found in resources(deployed)
        if has_address(found.kind) and not exists(deployed.aws, found.kind, found.physical_id)
    ]
    assert missing == []


def test_the_token_is_in_no_file_of_the_rehearsal(deployed: Rehearsal) -> None:
    token = logins.token(deployed).encode()
    found = [
        str(path)
        for path in deployed.folder.rglob("*")
        if path.is_file() and not path.is_symlink() and token in path.read_bytes()
    ]
    assert found == []


def test_every_node_publishes_its_metrics(deployed: Rehearsal) -> None:
    members = set(replication_group.described(deployed)["MemberClusters"])
    data = deployed.ask("metrics")
    memory = {d["member"] for d in data if d["name"] == "DatabaseMemoryUsagePercentage"}
    assert memory == members


def test_the_daily_snapshot_can_be_taken_at_any_time(deployed: Rehearsal) -> None:
    name = deployed.ask("take_automatic_snapshot", group="vibewell-redis")
    found = deployed.aws("elasticache").describe_snapshots(SnapshotName=name)["Snapshots"]
    assert found[0]["SnapshotSource"] == "automated"


def test_an_open_address_range_is_noticed(deployed: Rehearsal) -> None:
    ec2 = deployed.aws("ec2")
    name = deployed.checkout.settings["network"]["security_group_name"]
    (group,) = (
        found.physical_id
        for found in resources(deployed, "AWS::EC2::SecurityGroup")
        if found.properties.get("GroupName") == name
    )
    rule = {
        "IpProtocol": "tcp",
        "FromPort": 6379,
        "ToPort": 6379,
        "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
    }
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    try:
        with pytest.raises(RehearsalError, match="lets an address range in"):
            access.check(deployed)
    finally:
        ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule])


def test_a_value_that_was_changed_by_hand_is_noticed(deployed: Rehearsal) -> None:
    ssm, url = deployed.aws("ssm"), "rediss://127.0.0.1:1"
    (name,) = (
        found.physical_id
        for found in resources(deployed, "AWS::SSM::Parameter")
        if found.physical_id.endswith("/REDIS_URL")
    )
    before = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    ssm.put_parameter(Name=name, Value=url, Overwrite=True)
    try:
        with pytest.raises(RehearsalError, match="REDIS_URL"):
            settings.check(deployed)
    finally:
        ssm.put_parameter(Name=name, Value=before, Overwrite=True)


def test_a_secret_that_the_group_never_heard_of_is_noticed(deployed: Rehearsal) -> None:
    manager = deployed.aws("secretsmanager")
    secret = only(deployed, "AWS::SecretsManager::Secret", "-data").physical_id
    before = logins.token(deployed)
    manager.put_secret_value(SecretId=secret, SecretString="x" * 64)
    try:
        with pytest.raises(Exception, match="WRONGPASS"):
            logins.check(deployed)
    finally:
        manager.put_secret_value(SecretId=secret, SecretString=before)


def test_a_parameter_that_was_changed_by_hand_is_noticed(deployed: Rehearsal) -> None:
    elasticache = deployed.aws("elasticache")
    group = only(deployed, replication_group.PARAMETERS).physical_id

    def set_timeout(seconds: str) -> None:
        elasticache.modify_cache_parameter_group(
            CacheParameterGroupName=group,
            ParameterNameValues=[{"ParameterName": "timeout", "ParameterValue": seconds}],
        )

    set_timeout("600")
    try:
        with pytest.raises(RehearsalError, match="parameter timeout"):
            replication_group.check(deployed)
    finally:
        set_timeout("300")


def test_an_alarm_that_is_missing_is_noticed(deployed: Rehearsal) -> None:
    cloudwatch = deployed.aws("cloudwatch")
    alarm = cloudwatch.describe_alarms()["MetricAlarms"][0]
    cloudwatch.put_metric_alarm(
        AlarmName="made by hand",
        MetricName="m",
        Namespace="n",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator=alarm["ComparisonOperator"],
    )
    try:
        with pytest.raises(RehearsalError, match="alarms: asked for"):
            monitoring.check(deployed)
    finally:
        cloudwatch.delete_alarms(AlarmNames=["made by hand"])


@pytest.mark.plan("2.4")
async def test_the_client_limits_by_what_the_deployment_publishes(
    deployed: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in deployed.embedded_aws.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("SSL_CERT_FILE", str(deployed.authority))
    tls.trust.cache_clear()
    published = Settings.from_parameter_store("/vibewell/production/redis")
    limiter = RateLimiter.from_settings(published, deadline=30.0)
    try:
        assert await limiter.connect()
        decisions = [await limiter.hit("mfa", user="alice", ip="192.0.2.1") for _ in range(6)]
    finally:
        await limiter.aclose()
        tls.trust.cache_clear()
    assert [decision.allowed for decision in decisions] == [True] * 5 + [False]
    assert {decision.source for decision in decisions[:5]} == {Source.REDIS}
