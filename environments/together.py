"""What several environments of one account and Region may not share."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from environments import load as settings_files
from environments.load import SettingsError, environment_names, load
from environments.network_settings import OwnNetwork
from environments.schema import Settings


class _Unique(NamedTuple):
    """One rule: ``value`` is what may be there once in a Region, None where there is nothing."""

    key: str
    value: Callable[[Settings], object]
    why: str
    instead: str = "Write another one"


def _vpc(settings: Settings) -> str | None:
    vpc = settings.network.vpc
    return vpc.vpc_name if isinstance(vpc, OwnNetwork) else None


# Sources: the API reference of ElastiCache (CreateReplicationGroup, CreateCacheSubnetGroup), EC2
# (CreateSecurityGroup), IAM (CreateOpenIDConnectProvider: one of each address in an account);
# of Chatbot, hashicorp/terraform-provider-awscc#1011.
_RULES = (
    _Unique(
        "redis.replication_group_id",
        lambda one: one.redis.replication_group_id,
        "ElastiCache has each id once in an account and Region, and the second deployment would "
        "fail",
    ),
    _Unique(
        "network.subnet_group_name",
        lambda one: None if one.redis.existing else one.network.subnet_group_name,
        "ElastiCache has each name once in an account and Region, and the second deployment would "
        "fail",
    ),
    _Unique(
        "network.security_group_name",
        lambda one: (
            None
            if one.redis.existing
            else (one.network.vpc.vpc_name, one.network.security_group_name.lower())
        ),
        "EC2 has each name once in a VPC, and the second deployment would fail",
    ),
    _Unique(
        "network.vpc.vpc_name", _vpc, "Both would make a VPC of this name, and a look-up finds two"
    ),
    _Unique(
        "notifications.slack_channel_id",
        lambda one: (one.notifications.slack_workspace_id, one.notifications.slack_channel_id),
        "Chatbot takes a channel once in an account, and the second deployment would fail",
        "Write the id of another channel",
    ),
    _Unique(
        "delivery.own_identity_provider",
        lambda one: (one.delivery and one.delivery.own_identity_provider) or None,
        "An account has one identity provider for GitHub, and the second deployment would fail",
        "Write false: the roles of both trust the one that is there",
    ),
    _Unique(
        "application.server_tag",
        lambda one: one.application.server_tag,
        "State Manager finds servers by their tag, so each environment's kernel values would be "
        "set on the servers of the other",
        "Write another tag, and give it to that environment's servers",
    ),
)
_IN_EVERY_REGION = ("notifications.slack_channel_id", "delivery.own_identity_provider")


def refuse_shared(settings: Settings, folder: Path | None = None) -> None:
    """SettingsError for everything that another environment's file claims too.

    A file that is wrong otherwise is refused when it is synthesised itself.
    """
    place = settings.environment
    folder = folder or settings_files.FOLDER
    shared: list[str] = []
    for name in environment_names(folder):
        if name == place.name:
            continue
        try:
            other = load(name, folder)
        except SettingsError:
            continue
        there = other.environment
        changed = name if place.name == "production" else place.name
        shared += [
            f"{rule.key}: environments/{name}.toml has the same, in account {place.account}, "
            f"{there.region}. {rule.why}. {rule.instead}, in environments/{changed}.toml."
            for rule in _RULES
            if there.account == place.account
            and (there.region == place.region or rule.key in _IN_EVERY_REGION)
            and rule.value(settings) is not None
            and rule.value(settings) == rule.value(other)
        ]
    if shared:
        raise SettingsError(folder / f"{place.name}.toml", shared)
