"""What several environments of one account and Region may not share."""

from pathlib import Path

from environments import load as settings_files
from environments.load import SettingsError, environment_names, load
from environments.network_settings import OwnNetwork
from environments.schema import Settings

# Why each may be there once, and what to write instead. Sources: the API reference of ElastiCache,
# EC2 (CreateSecurityGroup) and IAM (CreateOpenIDConnectProvider: one of each address in an
# account); of Chatbot, hashicorp/terraform-provider-awscc#1011.
_ONCE = {
    "redis.replication_group_id": (
        "ElastiCache has each id once in an account and Region, and the second deployment would "
        "fail. Write another one"
    ),
    "network.subnet_group_name": (
        "ElastiCache has each name once in an account and Region, and the second deployment would "
        "fail. Write another one"
    ),
    "network.security_group_name": (
        "EC2 has each name once in a VPC, and the second deployment would fail. Write another one"
    ),
    "network.vpc.vpc_name": (
        "Both would make a VPC of this name, and a look-up finds two. Write another one"
    ),
    "notifications.slack_channel_id": (
        "Chatbot takes a channel once in an account, and the second deployment would fail. Write "
        "the id of another channel"
    ),
    "delivery.own_identity_provider": (
        "An account has one identity provider for GitHub, and the second deployment would fail. "
        "Write false: the roles of both trust the one that is there"
    ),
    "application.server_tag": (
        "State Manager finds servers by their tag, so each environment's kernel values would be "
        "set on the servers of the other. Write another tag, and give it to that environment's "
        "servers"
    ),
}
_IN_EVERY_REGION = ("notifications.slack_channel_id", "delivery.own_identity_provider")


def _claims(settings: Settings) -> dict[str, object]:
    """What an environment has of each, None where it has nothing of its own."""
    network, owned = settings.network, not settings.redis.existing
    vpc, group, slack = network.vpc, network.security_group_name, settings.notifications
    return {
        "redis.replication_group_id": settings.redis.replication_group_id,
        "network.subnet_group_name": network.subnet_group_name if owned else None,
        "network.security_group_name": (vpc.vpc_name, group.lower()) if owned else None,
        "network.vpc.vpc_name": vpc.vpc_name if isinstance(vpc, OwnNetwork) else None,
        "notifications.slack_channel_id": (slack.slack_workspace_id, slack.slack_channel_id),
        "delivery.own_identity_provider": (
            (settings.delivery and settings.delivery.own_identity_provider) or None
        ),
        "application.server_tag": settings.application.server_tag,
    }


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
        there, ours, theirs = other.environment, _claims(settings), _claims(other)
        changed = name if place.name == "production" else place.name
        shared += [
            f"{key}: environments/{name}.toml has the same, in account {place.account}, "
            f"{there.region}. {why}, in environments/{changed}.toml."
            for key, why in _ONCE.items()
            if there.account == place.account
            and (there.region == place.region or key in _IN_EVERY_REGION)
            and ours[key] is not None
            and ours[key] == theirs[key]
        ]
    if shared:
        raise SettingsError(folder / f"{place.name}.toml", shared)
