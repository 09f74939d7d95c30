"""The settings of one environment: everything that a file in this folder may say."""

from difflib import get_close_matches
from functools import cached_property
from math import ceil
from typing import Annotated, Literal

from pydantic import Field, PositiveInt, field_validator

from environments.alarm_settings import Alarms
from environments.application_settings import Application
from environments.network_settings import Network, OwnNetwork
from environments.node_types import cheapest
from environments.notification_settings import EXAMPLE_RUNBOOK, EXAMPLES, Notifications
from environments.redis_settings import LONGEST_GROUP_ID, Redis
from environments.regions import NOT_SOLD, REGIONS, zones
from environments.rotation_settings import HOURS_A_DAY, SERVICES, Rotation
from environments.section import Problems, Refusal, Section, at_least, at_most, matching, rule
from environments.tags import Tags
from environments.windows import DAY

EXAMPLE_ACCOUNT = "111122223333"
PROJECT = "vibewell-redis"
_AROUND_A_TAG = 45  # characters of a template: Key, Value, braces and spaces
_MOST_OF_TAGS = 850_000  # of the 1,000,000 of a template
PARTS = ("data", "operations", "monitoring")  # the stacks of an environment, in their order
LONGEST_OBJECTIVE_MINUTES = 120

_NAME = matching(
    r"[a-z][a-z0-9]{1,19}",
    "environment name {} is malformed",
    "It becomes part of the names of stacks, topics and alarms: 2 to 20 lower-case letters and "
    "digits, beginning with a letter",
    'Write for example "production"',
)
_ACCOUNT = matching(
    "(?!0{12})[0-9]{12}",
    "account {} is not an account number",
    "AWS's are twelve digits, in quotes so that a leading zero stays",
    f'Write for example "{EXAMPLE_ACCOUNT}"',
)
# An owner and a repository as GitHub names them. A token has the number of both, or of none.
_OWNER, _NUMBER = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", "@[1-9][0-9]{0,19}"
_REPOSITORY = matching(
    rf"(?!.*\.git(@|$))({_OWNER}/{_OWNER}|{_OWNER}{_NUMBER}/{_OWNER}{_NUMBER})",
    "{} is not a repository as GitHub's tokens name it",
    "Whoever's tokens carry this name may deploy: a pattern would let others in",
    "Write what Settings, Actions, OIDC shows between 'repo:' and the next colon, for example "
    '"your-organisation@1234/vibewell-redis@5678"',
)


class Environment(Section):
    """Which environment this is, and where."""

    name: Annotated[str, _NAME]
    account: Annotated[str, _ACCOUNT]
    region: str
    termination_protection: bool
    tags: Tags
    # Of each function: without one, two of its executions can overlap: docs/operate/rotation.md.
    reserved_concurrency: Literal["one", "none"] = "one"

    @field_validator("region")
    @classmethod
    def _region_exists(cls, value: str) -> str:
        if value not in REGIONS:
            near = get_close_matches(value.lower(), REGIONS, 1) or ["us-east-1"]
            why = f"ElastiCache runs in {', '.join(sorted(REGIONS))}"
            if value.startswith(("us-gov-", "cn-")):
                why = "GovCloud and China lack Chatbot, which brings alarms to Slack"
            raise Refusal(
                f"region {value!r} is not one that this project deploys to. {why}. "
                f"Write for example {near[0]!r}."
            )
        return value


class Recovery(Section):
    """On the first Monday of each month, at ``hour`` UTC, against the plan's two objectives."""

    hour: Annotated[int, Field(ge=0, le=23)]
    # Backups are daily: a week without one is no objective, and an alarm on it comes too late.
    point_objective_hours: Annotated[
        PositiveInt, at_most(168, "The backup is daily (§4.1), and a week of data would be lost")
    ]
    time_objective_minutes: Annotated[
        PositiveInt,
        at_least(5, "ElastiCache creates a group in some minutes, so the alarm would always fire"),
        at_most(
            LONGEST_OBJECTIVE_MINUTES,
            "The recovery test gives up soon after, and no time is measured: the alarm would never "
            "fire",
        ),
    ]

    @property
    def schedule_expression(self) -> str:
        """EventBridge Scheduler's form of the first Monday of each month."""
        return f"cron(0 {self.hour} ? * MON#1 *)"


class Delivery(Section):
    """GitHub's workflows, as AWS recognises them.

    ``repository`` is as in the subject of GitHub's tokens: ``owner@id/name@id``, or ``owner/name``
    for a repository from before June 2026. With ``approval`` the workflows execute only change
    sets that were prepared; without it they deploy at once. ``own_identity_provider`` makes the
    account's one identity provider for GitHub.
    Source: GitHub's OpenID Connect reference, "Immutable subject claims".
    """

    repository: Annotated[str, _REPOSITORY]
    approval: bool
    own_identity_provider: bool


class Settings(Section):
    """One environment, checked: what passes here, AWS accepts as far as is known.

    Without ``delivery`` no workflow has a role in the account.
    """

    environment: Environment
    network: Network
    redis: Redis
    rotation: Rotation
    recovery: Recovery
    alarms: Alarms
    application: Application
    notifications: Notifications
    delivery: Delivery | None = None

    @cached_property
    def prefix(self) -> str:
        """What the names of stacks, topics and alarms begin with."""
        return f"{PROJECT}-{self.environment.name}"

    @cached_property
    def stacks(self) -> tuple[str, ...]:
        """The names of its stacks, each after those that it depends on."""
        return tuple(f"{self.prefix}-{part}" for part in PARTS)

    @cached_property
    def manifest_name(self) -> str:
        """The SSM parameter with the sentinels' digests: not among what the application reads."""
        return f"/vibewell/{self.environment.name}/recovery/manifest"

    @cached_property
    def parameter_path(self) -> str:
        """The SSM path under which the application finds its settings."""
        return f"/vibewell/{self.environment.name}/redis"

    @rule
    def _examples_stay_with_the_example_account(self) -> Problems:
        if self.environment.account == EXAMPLE_ACCOUNT:
            return
        for key, value in self.notifications:
            if value in (*EXAMPLES, EXAMPLE_RUNBOOK):
                yield (
                    f"notifications.{key}: {value!r} is still the example. Account "
                    f"{self.environment.account} is a real one, where its alarms would reach no "
                    "channel, or link to a page that does not exist. Write your own."
                )

    @rule
    def _an_existing_group_is_in_an_existing_network(self) -> Problems:
        if self.redis.existing and isinstance(self.network.vpc, OwnNetwork):
            yield (
                "network.vpc.kind: it is own, and redis.existing is true. A group that is there "
                "already cannot be in a VPC that is still to be made. Write kind = 'existing' and "
                "the name of that VPC."
            )

    @rule
    def _what_is_attached_is_of_the_region(self) -> Problems:
        attached = self.redis.attached
        region, account = self.environment.region, self.environment.account
        for key in ("kms_key_arn", "token_secret_arn"):
            arn = getattr(attached, key, None)
            there, owner = arn.split(":")[3:5] if arn else (region, account)
            if owner != account and key == "token_secret_arn":
                yield (
                    f"redis.attached.{key}: it is of account {owner}, and the environment of "
                    f"{account}. Only a secret of the account is read without a key that is shared "
                    "with it. Let make adopt write it."
                )
            if there != region:
                yield (
                    f"redis.attached.{key}: it is of {there}, and the environment of {region}. "
                    "ElastiCache takes keys of its own Region, and functions read secrets there. "
                    "Let make adopt write it."
                )

    @rule
    def _tags_fit_into_the_template(self) -> Problems:
        """Each of some 40 resources of the data stack has every tag, and each own tier is one."""
        tags, own = self.environment.tags, len(self.application.rate_limits.own)
        each = sum(len(key) + len(text) + _AROUND_A_TAG for key, text in tags.items())
        if each * (40 + own) > _MOST_OF_TAGS:
            yield (
                f"environment.tags: its tags take {each} characters on each of {40 + own} "
                "resources. CloudFormation takes templates of 1 MB, and each tier beside the "
                "plan's is a resource with all tags. Write tags of at most "
                f"{_MOST_OF_TAGS // (40 + own)} characters, or fewer tiers."
            )

    @rule
    def _zones_are_of_the_region(self) -> Problems:
        vpc, region = self.network.vpc, self.environment.region
        own = vpc.zones if isinstance(vpc, OwnNetwork) else ()
        endpoints, there = self.rotation.endpoint_zones or (), zones(region)
        named = {"network.vpc.zones": own, "rotation.endpoint_zones": endpoints}
        for key, zone in ((key, zone) for key, some in named.items() for zone in some):
            if zone not in there:
                yield (
                    f"{key}: zone {zone!r} is not of {region}. A VPC's subnets are in zones of its "
                    f"own Region. Write some of {', '.join(there)}; an account may lack one of "
                    "them."
                )
        if own and not set(endpoints) <= set(own):
            yield (
                f"rotation.endpoint_zones: {', '.join(sorted(set(endpoints) - set(own)))} is no "
                "zone of network.vpc.zones. An endpoint is in subnets of the VPC. Write zones of "
                "both."
            )

    @rule
    def _node_type_is_sold_in_the_region(self) -> Problems:
        node, region = self.redis.node_type, self.environment.region
        if node.family in NOT_SOLD[region]:
            near = cheapest(
                lambda one: (
                    one.family not in NOT_SOLD[region]
                    and one.usable_gib >= node.usable_gib
                    and (self.redis.engine.engine == "valkey" or not one.valkey_only)
                ),
                like=node,
            )
            instead = f"node_type = {near.name!r}" if near else "another type or Region"
            yield (
                f"redis.node_type: {node.name} is not sold in {region}. The deployment would fail. "
                f"Write {instead}."
            )

    @rule
    def _recovery_point_can_be_met(self) -> Problems:
        """The test restores the day's backup, which is as old as the hours since its window."""
        start = self.redis.snapshot_window.start
        age = ceil((self.recovery.hour * 60 - start) % DAY / 60) or HOURS_A_DAY
        if self.recovery.point_objective_hours < age:
            yield (
                f"recovery.point_objective_hours: the backup of {self.redis.snapshot_window.text} "
                f"is {age} hours old when the recovery test begins at {self.recovery.hour}:00. The "
                f"alarm would fire at every test. Write at least {age}, or an hour nearer to the "
                "backup."
            )

    @rule
    def _a_restored_group_can_be_named(self) -> Problems:
        name = self.redis.replication_group_id
        longest = LONGEST_GROUP_ID - len("-recovery-0000")
        if len(name) > longest:
            yield (
                f"redis.replication_group_id: replication group id {name!r} has {len(name)} "
                f"characters. The recovery test (§4.2) names its group {name}-recovery-0000, and "
                f"ElastiCache takes {LONGEST_GROUP_ID} characters. Write at most {longest} "
                "characters."
            )

    @rule
    def _connection_alarm_fires_before_the_node_refuses(self) -> Problems:
        limit, critical = self.redis.node_type.max_connections, self.alarms.connections.critical
        if critical >= limit:
            yield (
                f"alarms.connections: critical {critical:g} is not below the {limit} connections "
                f"that {self.redis.node_type.name} accepts. The node would refuse connections "
                f"before the alarm fires. Write a figure below {limit}."
            )

    @rule
    def _connection_budget_is_below_the_plan_and_the_critical_alarm(self) -> Problems:
        application, critical = self.application, self.alarms.connections.critical
        instances, pool = application.instances, application.pool_size
        limit, why = min(
            (
                application.max_clients,
                f"The plan (§5.3) allows fewer than max_clients = {application.max_clients}",
            ),
            (
                ceil(critical),
                f"The critical alarm (§3.1) fires at {critical:g}, so normal use would page",
            ),
        )
        if application.connections >= limit:
            most = {"instances": (limit - 1) // pool, "pool_size": (limit - 1) // instances}
            key = next((key for key, number in most.items() if number), None)
            instead = f"at most {key} = {most[key]}" if key else "smaller figures of both"
            yield (
                f"application.instances: {instances} instances x {pool} connections = "
                f"{application.connections}. {why}. Write {instead}."
            )

    @rule
    def _credit_alarm_is_set_for_burstable_nodes_only(self) -> Problems:
        earned, floor = self.redis.node_type.cpu_credits, self.alarms.cpu_credit_balance
        name = self.redis.node_type.name
        if earned is None and floor is not None:
            yield (
                f"alarms.cpu_credit_balance: it is set, but {name} has no CPU credits. The alarm "
                "would never have data. Remove cpu_credit_balance."
            )
        if earned is not None and floor is None:
            yield (
                f"alarms.cpu_credit_balance: it is missing, and {name} runs on CPU credits. "
                f"Without credits the node falls to {earned.baseline_percent} % of its CPU. Write "
                f"cpu_credit_balance = {earned.maximum // 5}, a fifth of what it keeps."
            )
        if earned is not None and floor is not None and floor >= earned.maximum:
            yield (
                f"alarms.cpu_credit_balance: {floor} is not below {earned.maximum}. {name} keeps "
                f"{earned.maximum} credits at most, so the alarm would never clear. Write "
                f"cpu_credit_balance = {earned.maximum // 5}."
            )

    @rule
    def _rotation_is_outside_backup_and_maintenance(self) -> Problems:
        for name in ("snapshot_window", "maintenance_window"):
            window = getattr(self.redis, name)
            # The day of the month may be any day of the week.
            if self.rotation.window.overlaps(window):
                yield (
                    f"rotation.start_hour: rotation at {self.rotation.window.text} overlaps "
                    f"redis.{name} {window.text}. ElastiCache accepts no other operation during a "
                    "backup or maintenance. Write an hour outside both windows, for example 10."
                )

    @rule
    def _rotation_can_reach_the_services_that_it_calls(self) -> Problems:
        if self.rotation.endpoint_security_group_id:
            return
        vpc = self.network.vpc
        there = vpc.endpoints if isinstance(vpc, OwnNetwork) else ()
        for service in SERVICES:
            if service not in (*there, *self.rotation.endpoints):
                yield (
                    f"rotation.endpoints: {service!r} is not among them. The rotation function has "
                    "no internet: without an endpoint it cannot call the service, and no token "
                    "would ever be rotated. Add it, or write endpoint_security_group_id = the "
                    "security group of the VPC's own endpoint, which has private DNS."
                )
            if service in there and service in self.rotation.endpoints:
                yield (
                    f"rotation.endpoints: {service!r} is among network.vpc.endpoints already. The "
                    "functions use that one, and a second one would cost as much again. Write it "
                    "in one place."
                )
