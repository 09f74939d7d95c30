"""What the picture shows, as the templates say it."""

from dataclasses import dataclass

from tools.assembly import Document, Stack
from tools.picture.alerts import Alerts, alerts
from tools.picture.network import Network, Source, network, sources
from tools.picture.references import target


class UnknownEnvironmentError(Exception):
    """The assembly does not hold both stacks of the environment."""


@dataclass(frozen=True, slots=True)
class Group:
    """The replication group; ``shards`` holds the member names of each, the first a primary."""

    name: str
    engine: str
    node_type: str
    port: int
    shards: list[list[str]]
    clustered: bool
    tls: bool
    auth: bool
    multi_az: bool
    failover: bool
    encrypted: bool
    maintenance_window: str
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class Backup:
    """Snapshots: the daily window in UTC, days kept, and whether deletion takes a last one."""

    window: str
    days: int
    last: bool


@dataclass(frozen=True, slots=True)
class Logs:
    """The logs that the group writes, by type, and the fewest days that one of them is kept."""

    kinds: list[str]
    days: int
    encrypted: bool


@dataclass(frozen=True, slots=True)
class Token:
    """The AUTH token's secret."""

    characters: int
    encrypted: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """What is published for the application, and whether a policy lets it read that."""

    path: str
    names: list[str]
    readable: bool


@dataclass(frozen=True, slots=True)
class Key:
    """The data key, by alias, and whether KMS rotates it."""

    alias: str
    rotates: bool


@dataclass(frozen=True, slots=True)
class Deployment:
    """One environment."""

    environment: str
    account: str
    region: str
    group: Group
    network: Network
    sources: list[Source]
    token: Token | None
    settings: Settings
    key: Key | None
    backup: Backup
    logs: Logs
    alerts: Alerts


def deployment(
    stacks: dict[str, Stack], context: Document, environment: str = "production"
) -> Deployment:
    """One environment of an assembly; ``context`` is cdk.context.json, for zones and CIDRs.

    Raises UnknownEnvironmentError if the environment's two stacks are not among ``stacks``.
    """
    try:
        data, monitoring = (
            stacks[f"vibewell-redis-{environment}-{part}"] for part in ("data", "monitoring")
        )
    except KeyError as missing:
        raise UnknownEnvironmentError(f"there is no stack {missing.args[0]}") from missing
    if not data.of_type("AWS::ElastiCache::ReplicationGroup"):
        raise UnknownEnvironmentError(
            f"{data.name} makes no replication group: its own belongs to somebody else "
            "(docs/start/adoption.md), and only what a template makes is drawn"
        )
    account, region = data.artifact["environment"].removeprefix("aws://").split("/")
    group = _group(data)
    return Deployment(
        environment=environment,
        account=account,
        region=region,
        group=group,
        network=network(data, context),
        sources=sources(data, group.port),
        token=_token(data),
        settings=_settings(data),
        key=_key(data),
        backup=_backup(data),
        logs=_logs(data),
        alerts=alerts(monitoring),
    )


def _group(data: Stack) -> Group:
    group = data.only("AWS::ElastiCache::ReplicationGroup")
    return Group(
        name=group["ReplicationGroupId"],
        engine=f"{group['Engine'].title()} {group['EngineVersion']}",
        node_type=group["CacheNodeType"],
        port=group["Port"],
        shards=_shards(group),
        clustered="NumNodeGroups" in group,
        tls=group.get("TransitEncryptionEnabled", False),
        auth=bool(group.get("UserGroupIds")),
        multi_az=group.get("MultiAZEnabled", False),
        failover=group.get("AutomaticFailoverEnabled", False),
        encrypted="KmsKeyId" in group,
        maintenance_window=group["PreferredMaintenanceWindow"],
        parameters=data.only("AWS::ElastiCache::ParameterGroup")["Properties"],
    )


def _shards(group: Document) -> list[list[str]]:
    """Member names as ElastiCache gives them: with cluster mode they carry the shard's number."""
    name = group["ReplicationGroupId"]
    if "NumNodeGroups" not in group:
        return [[f"{name}-{node:03}" for node in range(1, group["NumCacheClusters"] + 1)]]
    return [
        [f"{name}-{shard:04}-{node:03}" for node in range(1, group["ReplicasPerNodeGroup"] + 2)]
        for shard in range(1, group["NumNodeGroups"] + 1)
    ]


def _backup(data: Stack) -> Backup:
    (group,) = (
        resource
        for resource in data.resources.values()
        if resource["Type"] == "AWS::ElastiCache::ReplicationGroup"
    )
    properties = group["Properties"]
    return Backup(
        window=properties.get("SnapshotWindow", ""),
        days=properties.get("SnapshotRetentionLimit", 0),
        last=group.get("DeletionPolicy") == "Snapshot",
    )


def _logs(data: Stack) -> Logs:
    group = data.only("AWS::ElastiCache::ReplicationGroup")
    log_groups = {log["LogGroupName"]: log for log in data.of_type("AWS::Logs::LogGroup").values()}
    written = {
        delivery["LogType"]: log_groups[
            delivery["DestinationDetails"]["CloudWatchLogsDetails"]["LogGroup"]
        ]
        for delivery in group.get("LogDeliveryConfigurations", [])
    }
    return Logs(
        kinds=list(written),
        days=min((log["RetentionInDays"] for log in written.values()), default=0),
        encrypted=bool(written) and all("KmsKeyId" in log for log in written.values()),
    )


def _token(data: Stack) -> Token | None:
    secrets = data.of_type("AWS::SecretsManager::Secret")
    users = data.of_type("AWS::ElastiCache::User").values()
    passwords = [password for user in users for password in user.get("Passwords", [])]
    if not passwords or not data.only("AWS::ElastiCache::ReplicationGroup").get("UserGroupIds"):
        return None
    secret = secrets[target(passwords[0])]
    return Token(secret["GenerateSecretString"]["PasswordLength"], "KmsKeyId" in secret)


def _settings(data: Stack) -> Settings:
    names = [parameter["Name"] for parameter in data.of_type("AWS::SSM::Parameter").values()]
    readable = any(
        "ssm:GetParametersByPath" in statement["Action"] and statement["Effect"] == "Allow"
        for policy in data.of_type("AWS::IAM::ManagedPolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
    )
    return Settings(
        path=" ".join(sorted({name.rpartition("/")[0] for name in names})),
        names=[name.rpartition("/")[2] for name in names],
        readable=readable,
    )


def _key(data: Stack) -> Key | None:
    used = data.only("AWS::ElastiCache::ReplicationGroup").get("KmsKeyId")
    if used is None:
        return None
    name = target(used)
    aliases = [
        alias["AliasName"].removeprefix("alias/")
        for alias in data.of_type("AWS::KMS::Alias").values()
        if target(alias["TargetKeyId"]) == name
    ]
    key = data.of_type("AWS::KMS::Key")[name]
    return Key(" ".join(aliases), key.get("EnableKeyRotation", False))
