"""What of the owner's group is changed, each call shown before: its login, its logs, its events.

Sources: ElastiCache user guide, "Migrating from Redis OSS AUTH to RBAC" (strategy DELETE together
with the user group; hashicorp/terraform-provider-aws issues 31710 and 45518), "Log delivery".
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from constructs.common.logs import KINDS
from environments.access import user_group_id, user_id
from environments.schema import Settings
from shared.errors import StoppedError
from shared.user import ACTIVE, User
from tools.adopt import login
from tools.adopt.described import check
from tools.command import Answer

BETWEEN_LOOKS = 5.0  # seconds
LONGEST = 3600.0  # seconds that ElastiCache may take for one change

Call = dict[str, Any]
Client = Callable[[str], Any]


class Switch:
    """The changes of one group. Each can be begun again after an interruption."""

    def __init__(self, client: Client, settings: Settings) -> None:
        self._client = client
        self._elasticache = client("elasticache")
        self._settings = settings
        self._group_id = settings.redis.replication_group_id

    def attach(self, confirmed: str, *, released: bool) -> bool:
        """Let clients log in as the user, with the token that they have; whether it is so now.

        Raises Answer where something is missing, or another template would undo it.
        """
        group = self._described()
        check(group)
        arn = self._settings.redis.attached and self._settings.redis.attached.token_secret_arn
        token = login.stored(self._client("secretsmanager"), str(arn))
        where = login.endpoints(self._elasticache, self._group_id)
        switched = bool(group.get("UserGroupIds"))
        login.prove(token, where, *([self._after_the_switch()] if switched else []))
        if switched:
            print(f"{self._group_id} logs clients in as {user_id(self._group_id)}: proven")
            return True
        self._require_user()
        self._require_released(released)
        call = {
            "AuthTokenUpdateStrategy": "DELETE",
            "UserGroupIdsToAdd": [user_group_id(self._group_id)],
        }
        what = (
            "clients log in as a user whose password is the token that they have. Connections may "
            "be closed once, and open again with the same token. Only strategy SET or a new group "
            "leads back to a token of the group"
        )
        if not self._change(call, what, confirmed, user_groups=call["UserGroupIdsToAdd"]):
            return False
        login.prove(token, where, self._after_the_switch())
        print(f"the token of before logs in at {len(where)} addresses")
        return True

    def deliver(self, also: str, confirmed: str) -> None:
        """Add log delivery and events as ``also`` says. Raises Answer where another has them."""
        group = self._described()
        if "logs" in also:
            others = [
                one for one in group.get("LogDeliveryConfigurations", []) if not self._own(one)
            ]
            if others:
                raise Answer(
                    f"adopt: {self._group_id} delivers its {others[0]['LogType']} elsewhere "
                    "already, and a group has one destination for each. Leave logs out of ALSO."
                )
            if len(group.get("LogDeliveryConfigurations", [])) < len(KINDS):
                path, logs = self._settings.parameter_path, "CloudWatchLogsDetails"
                requests = [
                    {"LogType": kind, "Enabled": True, "LogFormat": "json"}
                    | {"DestinationType": "cloudwatch-logs"}
                    | {"DestinationDetails": {logs: {"LogGroup": f"{path}/{kind}"}}}
                    for kind in KINDS
                ]
                call: Call = {"LogDeliveryConfigurations": requests}
                self._change(call, "the slow log and the engine log", confirmed)
        if "events" in also:
            topic, wanted = self._topic(group), self._own_topic()
            if topic not in (None, wanted):
                raise Answer(
                    f"adopt: {self._group_id} sends its events to {topic} already, and a group has "
                    "one topic. Leave events out of ALSO."
                )
            if topic is None:
                self._change({"NotificationTopicArn": wanted}, "its events", confirmed)

    def release(self, confirmed: str) -> bool:
        """Take back what ``deliver`` added; the login stays. Whether nothing is left to take."""
        group, done = self._described(), True
        if any(self._own(one) for one in group.get("LogDeliveryConfigurations", [])):
            off = [{"LogType": kind, "Enabled": False} for kind in KINDS]
            call: Call = {"LogDeliveryConfigurations": off}
            done &= self._change(call, "no logs to this deployment", confirmed)
        if self._topic(group) == self._own_topic():
            done &= self._change(
                {"NotificationTopicStatus": "inactive"}, "no events to this deployment", confirmed
            )
        return done

    def _change(
        self, call: Call, what: str, confirmed: str, user_groups: Sequence[str] = ()
    ) -> bool:
        """Show a change and, if it is confirmed by the group's id, make it and wait.

        The first answers may still be from before the change: available, without ``user_groups``.
        """
        shown = " ".join(f"{name}={value}" for name, value in call.items())
        print(f"ModifyReplicationGroup {self._group_id} {shown}: {what}.")
        if confirmed != self._group_id:
            return False
        self._elasticache.modify_replication_group(
            ReplicationGroupId=self._group_id, ApplyImmediately=True, **call
        )
        for _ in range(int(LONGEST / BETWEEN_LOOKS)):
            group = self._described()
            there = set(user_groups) <= set(group.get("UserGroupIds") or [])
            if there and group["Status"] == "available":
                return True
            time.sleep(BETWEEN_LOOKS)
        raise Answer(
            f"adopt: {self._group_id} is not available with this change after {LONGEST / 60:.0f} "
            "minutes. What ElastiCache has started continues. Run this again: it continues from "
            "there."
        )

    def _after_the_switch(self) -> str:
        """The end of a message about a login that fails when the group has its user already."""
        return (
            f"{self._group_id} has its users by now. Send the user the stored token as its "
            f"password: aws lambda invoke --function-name {self._settings.prefix}-rotation "
            "--cli-binary-format raw-in-base64-out --payload '{\"reconcile\": true}' answer.json. "
            "Then run this again."
        )

    def _described(self) -> Mapping[str, Any]:
        answer = self._elasticache.describe_replication_groups(ReplicationGroupId=self._group_id)
        group: Mapping[str, Any] = answer["ReplicationGroups"][0]
        return group

    def _require_user(self) -> None:
        name = self._settings.environment.name
        try:
            user = User(self._elasticache, user_id(self._group_id)).describe()
        except StoppedError:
            raise Answer(
                f"adopt: the user {user_id(self._group_id)} is not there yet. The data stack makes "
                f"it, with the stored token as its password: make deploy ENV={name}, then this."
            ) from None
        if (user.status, user.passwords) != (ACTIVE, 1):
            raise Answer(
                f"adopt: the user is {user.status} with {user.passwords} passwords. It must be "
                "active with one, the token that clients have. The rotation's schedule leaves "
                "AWSCURRENT's alone: try again in some minutes."
            )

    def _require_released(self, released: bool) -> None:
        """Raise Answer while a template that sends the token owns the group."""
        cloudformation = self._client("cloudformation")
        try:
            found = cloudformation.describe_stack_resources(PhysicalResourceId=self._group_id)
        except cloudformation.exceptions.ClientError as problem:
            if problem.response["Error"]["Code"] != "ValidationError":
                raise
            found = {"StackResources": []}
        for resource in found["StackResources"]:
            stack = resource["StackName"]
            body = cloudformation.get_template(StackName=stack)["TemplateBody"]
            if "AuthToken" in str(body):
                raise Answer(
                    f"adopt: the template of {stack} has an AuthToken. Its next update would send "
                    "it again, which fails or takes the users away. Its owner first writes "
                    "DeletionPolicy: Retain for the group and deploys, then takes the group out of "
                    "the template and deploys."
                )
        if not released:
            raise Answer(
                f"adopt: no CloudFormation template sends the token of {self._group_id}. Whether "
                "Terraform or another tool does cannot be seen from here. It would send it again. "
                "Its owner first runs terraform state rm for the group, and takes it out of the "
                "configuration. Add RELEASED=1 to say that no tool holds the token."
            )

    def _own(self, configuration: Mapping[str, Any]) -> bool:
        return f"{self._settings.parameter_path}/{configuration['LogType']}" in str(configuration)

    def _topic(self, group: Mapping[str, Any]) -> str | None:
        node = self._elasticache.describe_cache_clusters(CacheClusterId=group["MemberClusters"][0])
        topic = node["CacheClusters"][0].get("NotificationConfiguration") or {}
        return topic.get("TopicArn") if topic.get("TopicStatus") == "active" else None

    def _own_topic(self) -> str:
        here = self._settings.environment
        partition = self._client("sts").get_caller_identity()["Arn"].split(":")[1]
        return f"arn:{partition}:sns:{here.region}:{here.account}:{self._settings.prefix}-events"
