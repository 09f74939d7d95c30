"""The monthly proof that the backups can be restored, and what it needs all month (§4.2)."""

import hashlib
import json
from collections.abc import Mapping
from functools import partial

from aws_cdk import aws_ssm as ssm
from aws_cdk import aws_stepfunctions as stepfunctions

from constructs import Construct
from constructs.alarms.metrics import Severity
from constructs.common.idle_functions import KEPT_WARM
from constructs.common.own_function import OwnFunction, account_role, on_schedule
from constructs.common.permissions import Statement, acknowledge, allow, place
from constructs.common.service_endpoints import ServiceEndpoints, connect
from constructs.data.auth_token import AuthToken
from constructs.data.network import closed_security_group
from constructs.data.replication_group import RedisData
from constructs.recovery import recovery_machine as machine

COUNT = 32  # with their digests just below the 4 KB of a free parameter
_PREFIX = "recovery:sentinel:"


def values(group_id: str) -> dict[str, str]:
    """Each sentinel's value by key: 64 hexadecimal digits."""
    keys = [f"{_PREFIX}{number:02}" for number in range(COUNT)]
    return {key: _digest(f"{group_id} {key}") for key in keys}


def manifest(group_id: str) -> str:
    """The digest of each value, by key, and a checksum over all; as lambda/recovery reads it."""
    digests = {key: _digest(value) for key, value in values(group_id).items()}
    canonical = json.dumps(digests, sort_keys=True, separators=(",", ":"))
    document = {"version": 1, "sentinels": digests, "checksum": _digest(canonical)}
    return json.dumps(document, separators=(",", ":"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


INFIX = "-recovery-"  # as lambda/recovery/run.py writes it; a test holds the two together

# What the Service Authorization Reference lists as dependent actions of CreateReplicationGroup.
NETWORK_ACTIONS = (
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)

WATCH_MINUTES = 10
SCHEDULES = {
    "Monthly": "Prove that the newest backup can be restored",
    "Watch": "Publish the age of backups and tests, remove what a test has left",
    "Keep": "Write and read the keys by which a restored backup proves itself",
    "Warm": "Keep the verifier ready: a function that is called once a month becomes Inactive",
}


class RecoveryTest(Construct):
    """A state machine of two functions, one more that keeps the sentinels, and four schedules.

    The operator calls AWS and is in no network; the verifier logs in to the restored group and
    to nothing else; the keeper logs in to the group itself and to nothing else.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, data: RedisData, endpoints: ServiceEndpoints
    ) -> None:
        """``data.token`` opens the group; the restored one's is another, and is made here."""
        super().__init__(scope, construct_id)
        self._data = data
        self._settings, self._key, group = data.settings, data.key, data.replication_group
        self._group = group
        self._name = f"{self._settings.prefix}-recovery"
        self._topic_arn = place(self).arn("sns", f"{self._settings.prefix}-{Severity.WARNING}")
        # By name: the machine is made of the function that has rights to it.
        self._machine_arn = place(self).arn("states", f"stateMachine:{self._name}")
        self.token = AuthToken(
            self,
            "Token",
            group_id=f"{group.topology.group_id}-recovery-*",
            key=self._key,
            rotation="Each test writes a new token, which opens nothing once its group is gone",
        )
        name, what = f"{self._name}-redis", "Groups that the recovery test restores"
        restored = closed_security_group(self, "SecurityGroup", data.network.vpc_id, name, what)
        verifier = self._vpc_function("Verifier", self.token, {})
        keeper = self._vpc_function("Keeper", data.token, {"REDIS_HOST": group.address})
        redis = data.access.security_group_id
        for function, target in ((verifier, restored), (keeper, redis)):
            endpoints.open_to(function)
            connect(function, "Redis", function, target, group.port, "Redis")
        operator = self._operator(restored)
        self._run(operator, verifier, keeper)

    def _vpc_function(
        self, label: str, token: AuthToken, environment: Mapping[str, str]
    ) -> OwnFunction:
        group = self._group
        function = OwnFunction(
            self,
            label,
            settings=self._settings,
            name=f"recovery-{label.lower()}",
            handler=f"recovery.{label.lower()}.handler",
            environment={
                "SECRET_ARN": token.arn,
                "REPLICATION_GROUP_ID": group.topology.group_id,
                "CLUSTER_MODE": str(group.topology.cluster_mode).lower(),
                "PORT": str(group.port),
                **environment,
            },
            timeout_seconds=machine.STEP_SECONDS,
            network=self._data.network,
            key=self._key,
        )
        token.grant_read(function)
        return function

    def _operator(self, security_group_id: str) -> OwnFunction:
        settings, group, access = self._settings, self._group.topology, self._data.access
        redis, objectives = settings.redis, settings.recovery
        ssm.CfnParameter(
            Construct(self, "Manifest"),
            "Parameter",
            name=settings.manifest_name,
            type="String",
            description=f"What the sentinel keys of {group.group_id} must be: digests and a "
            "checksum",
            value=manifest(group.group_id),
        )
        operator = OwnFunction(
            self,
            "Operator",
            settings=settings,
            name="recovery",
            handler="recovery.handler.handler",
            environment={
                "REPLICATION_GROUP_ID": group.group_id,
                "SECRET_ARN": self.token.arn,
                "MANIFEST": settings.manifest_name,
                "SECURITY_GROUP_ID": security_group_id,
                "SUBNET_GROUP": access.subnet_group_name,
                "PARAMETER_GROUP": self._data.parameters.ref,
                "KEY_ID": self._key.key_id,
                "ENGINE": redis.engine.engine,
                "ENGINE_VERSION": redis.engine.version,
                "PORT": str(self._group.port),
                "CLUSTER_MODE": str(redis.cluster_mode).lower(),
                "DURABLE": str(redis.may_be_durable).lower(),
                "TOPIC_ARN": self._topic_arn,
                "STATE_MACHINE_ARN": self._machine_arn,
                "RUNBOOK_URL": settings.notifications.runbook_url,
                "POINT_OBJECTIVE_SECONDS": str(objectives.point_objective_hours * 3600),
                "TIME_OBJECTIVE_SECONDS": str(objectives.time_objective_minutes * 60),
                "GIVE_UP_AFTER_SECONDS": str(machine.GIVE_UP_AFTER_SECONDS),
                "SWEEP_AFTER_SECONDS": str(machine.SWEEP_AFTER_SECONDS),
            },
            may=[*self._statements(), *self._use_of_keys(), *self._other_statements()],
            timeout_seconds=machine.STEP_SECONDS,
            key=self._key,
            outside="It only calls AWS's API, over TLS, and must not be able to reach Redis",
        )
        self.token.grant_write(operator)
        return operator

    def _statements(self) -> list[Statement]:
        """What the policy needs of ElastiCache."""
        cache, group = partial(place(self).arn, "elasticache"), self._group.topology
        # automatic.<group>-002-2026-12-07-02-13, for that member of the group. Source: AWS CLI
        # command reference, describe-snapshots. What they are called in cluster mode is documented
        # nowhere: of a member or of the group, both are allowed.
        sources = [group.member_pattern, *([group.group_id] if group.cluster_mode else [])]
        made = "elasticache:CreateReplicationGroup"
        throw_away = [cache(f"replicationgroup:{group.group_id}{INFIX}*")]
        needed = [
            *(cache(f"snapshot:automatic.{one}-20??-??-??-*") for one in sources),
            cache(f"parametergroup:{self._data.parameters.ref}"),
            cache(f"subnetgroup:{self._data.access.subnet_group_name}"),
        ]
        new, timed = "Each test's group has a new name", "ElastiCache names them by their time"
        # Lists, from which ElastiCache leaves out nothing: a filter is no resource.
        left = "A list, searched for what an earlier test has left"
        all_of = "A list: ElastiCache has no right by the group of a snapshot"
        before = "Its nodes' network interfaces have no ARN beforehand"
        groups, snapshots = [cache("replicationgroup:*")], [cache("snapshot:*")]
        return [
            allow(made, "elasticache:DeleteReplicationGroup", on=throw_away, because=new),
            allow(made, on=needed, because=timed),
            allow("elasticache:DescribeReplicationGroups", on=groups, because=left),
            allow("elasticache:DescribeSnapshots", on=snapshots, because=all_of),
            allow(*NETWORK_ACTIONS, on=["*"], because=before),
        ]

    def _other_statements(self) -> list[Statement]:
        """What it needs of the channel's topic, of its own state machine and of the manifest."""
        here, each = place(self), "Each test is a new execution"
        executions = here.arn("states", f"execution:{self._name}:*")
        manifest_arn = here.arn("ssm", f"parameter{self._settings.manifest_name}")
        return [
            allow("sns:Publish", on=[self._topic_arn]),
            allow("states:DescribeStateMachine", "states:ListExecutions", on=[self._machine_arn]),
            allow("states:DescribeExecution", on=[executions], because=each),
            allow("ssm:GetParameter", on=[manifest_arn]),
        ]

    def _use_of_keys(self) -> list[Statement]:
        here = place(self)
        attached = self._settings.redis.attached  # its snapshots may have a key of their own
        keys = [self._key.key_arn]
        if attached and attached.kms_key_arn:
            keys.append(attached.kms_key_arn)
        # ElastiCache user guide, "At-rest encryption": it makes a grant for itself, as the caller.
        caches = [f"{service}.{here.region}.amazonaws.com" for service in ("elasticache", "dax")]
        topic = {
            "kms:ViaService": f"sns.{here.region}.amazonaws.com",
            "kms:EncryptionContext:aws:sns:topicArn": self._topic_arn,
        }
        via = {"StringEquals": {"kms:ViaService": caches}}
        granted = via | {"Bool": {"kms:GrantIsForAWSResource": "true"}}
        use, later = (
            "kms:GenerateDataKey",
            "The topic's own key, which is made later: by the context",
        )
        every, by_topic = [here.arn("kms", "key/*")], {"StringEquals": topic}
        return [
            allow("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", use, on=keys, when=via),
            allow("kms:CreateGrant", on=keys, when=granted),
            allow("kms:Decrypt", use, on=every, when=by_topic, because=later),
        ]

    def _run(self, operator: OwnFunction, verifier: OwnFunction, keeper: OwnFunction) -> None:
        """The state machine, and the schedules of all."""
        functions, what = [operator.arn, verifier.arn], "Call the functions of the recovery test"
        may = {"lambda:InvokeFunction": functions}
        role_arn = account_role(self, "MachineRole", "MachinePolicy", "states", what, may)
        test = stepfunctions.CfnStateMachine(
            self,
            "Machine",
            state_machine_name=self._name,
            role_arn=role_arn,
            definition=machine.definition(operator_arn=operator.arn, verifier_arn=verifier.arn),
        )
        why = "Twelve runs a year: Step Functions keeps the history of each for 90 days"
        acknowledge(test, {"AwsSolutions:SF1": why, "AwsSolutions:SF2": why})
        may = {
            "states:StartExecution": [test.ref],
            "lambda:InvokeFunction": [*functions, keeper.arn],
        }
        what = "Start the recovery test, its watch and its keeper on their schedules"
        role_arn = account_role(self, "ScheduleRole", "SchedulePolicy", "scheduler", what, may)
        often, sentinels = f"rate({WATCH_MINUTES} minutes)", values(self._group.topology.group_id)
        for label, expression, target_arn, given in (
            ("Monthly", self._settings.recovery.schedule_expression, test.ref, {}),
            ("Watch", often, operator.arn, {"watch": True}),
            ("Keep", often, keeper.arn, {"sentinels": sentinels}),
            ("Warm", KEPT_WARM, verifier.arn, {"warm": True}),
        ):
            name, what = f"{self._name}-{label.lower()}", SCHEDULES[label]
            on_schedule(self, label, name, what, expression, target_arn, role_arn, given, 3)
