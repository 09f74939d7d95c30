"""The monthly proof that the backups can be restored, and what it needs all month (§4.2)."""

from collections.abc import Mapping

from aws_cdk import aws_stepfunctions as stepfunctions

from constructs import Construct
from constructs.alarms.metrics import Severity
from constructs.common.acknowledge import acknowledge
from constructs.common.idle_functions import KEPT_WARM
from constructs.common.own_function import OwnFunction, VpcFunction
from constructs.common.permissions import place
from constructs.common.scheduled import on_schedule, service_role
from constructs.common.service_endpoints import ServiceEndpoints, connect
from constructs.data.auth_token import AuthToken
from constructs.data.network import ClosedSecurityGroup
from constructs.data.replication_group import RedisData
from constructs.recovery import recovery_machine as machine
from constructs.recovery.canary_keys import SentinelManifest, values
from constructs.recovery.recovery_permissions import OperatorRights

PACKAGE = "recovery.zip"
WATCH_MINUTES = 10


class RecoveryTest(Construct):
    """A state machine of two functions, one more that keeps the sentinels, and four schedules.

    The operator calls AWS and stands in no network; the verifier logs in to the restored group and
    to nothing else; the keeper logs in to the group itself and to nothing else.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        data: RedisData,
        endpoints: ServiceEndpoints,
    ) -> None:
        """``data.token`` opens the group; the restored one's is another, and is made here."""
        super().__init__(scope, construct_id)
        self._data = data
        self._settings, self._key, group = data.settings, data.key, data.replication_group
        self._group = group
        self._name = f"{self._settings.prefix}-recovery"
        self.token = AuthToken(
            self,
            "Token",
            group_id=f"{group.topology.group_id}-recovery-*",
            key=self._key,
            rotation="Each test writes a new token, which opens nothing once its group is gone",
        )
        security_group = ClosedSecurityGroup(
            self,
            "SecurityGroup",
            vpc_id=data.network.vpc_id,
            name=f"{self._name}-redis",
            description="Groups that the recovery test restores",
        )
        verifier = self._vpc_function("Verifier", self.token, {})
        keeper = self._vpc_function("Keeper", data.token, {"REDIS_HOST": group.address})
        for function, target in (
            (verifier, security_group.group_id),
            (keeper, data.access.security_group_id),
        ):
            endpoints.open_to(function)
            connect(function, "Redis", function, target, group.port, "Redis")
        operator = self._operator(security_group.group_id)
        state_machine = self._machine(operator, verifier)
        self._schedules(state_machine, operator, verifier, keeper)

    def _vpc_function(
        self, label: str, token: AuthToken, environment: Mapping[str, str]
    ) -> VpcFunction:
        group = self._group
        function = VpcFunction(
            self,
            label,
            name=f"{self._name}-{label.lower()}",
            package=PACKAGE,
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
            log_retention_days=self._settings.redis.log_retention_days,
        )
        token.grant_read(function)
        return function

    def _operator(self, security_group_id: str) -> OwnFunction:
        settings, group_id = self._settings, self._group.topology.group_id
        parameters, access = self._data.parameters, self._data.access
        redis, objectives = settings.redis, settings.recovery
        manifest = SentinelManifest(
            self, "Manifest", name=settings.manifest_name, group_id=group_id
        )
        rights = OperatorRights(
            scope=self,
            topology=self._group.topology,
            parameter_group=parameters.ref,
            subnet_group=access.subnet_group_name,
            key=self._key,
            source_key=redis.attached.kms_key_arn if redis.attached else None,
            topic_arn=place(self).arn("sns", f"{settings.prefix}-{Severity.WARNING}"),
            machine_name=self._name,
        )
        operator = OwnFunction(
            self,
            "Operator",
            name=self._name,
            package=PACKAGE,
            handler="recovery.handler.handler",
            environment={
                "REPLICATION_GROUP_ID": group_id,
                "SECRET_ARN": self.token.arn,
                "MANIFEST": manifest.name,
                "SECURITY_GROUP_ID": security_group_id,
                "SUBNET_GROUP": access.subnet_group_name,
                "PARAMETER_GROUP": parameters.ref,
                "KEY_ID": self._key.key_id,
                "ENGINE": redis.engine.engine,
                "ENGINE_VERSION": redis.engine.version,
                "PORT": str(self._group.port),
                "CLUSTER_MODE": str(redis.cluster_mode).lower(),
                "DURABLE": str(redis.may_be_durable).lower(),
                "TOPIC_ARN": rights.topic_arn,
                "STATE_MACHINE_ARN": rights.machine_arn,
                "RUNBOOK_URL": settings.notifications.runbook_url,
                "POINT_OBJECTIVE_SECONDS": str(objectives.point_objective_hours * 3600),
                "TIME_OBJECTIVE_SECONDS": str(objectives.time_objective_minutes * 60),
                "GIVE_UP_AFTER_SECONDS": str(machine.GIVE_UP_AFTER_SECONDS),
                "SWEEP_AFTER_SECONDS": str(machine.SWEEP_AFTER_SECONDS),
            },
            may=rights.statements(),
            timeout_seconds=machine.STEP_SECONDS,
            key=self._key,
            log_retention_days=redis.log_retention_days,
            wildcards=rights.wildcards(),
            outside="It only calls AWS's API, over TLS, and must not be able to reach Redis",
        )
        manifest.grant_read(operator)
        self.token.grant_write(operator)
        return operator

    def _machine(
        self, operator: OwnFunction, verifier: VpcFunction
    ) -> stepfunctions.CfnStateMachine:
        role = service_role(
            self,
            "MachineRole",
            policy_id="MachinePolicy",
            service="states.amazonaws.com",
            what="Call the functions of the recovery test",
            may={"lambda:InvokeFunction": [operator.arn, verifier.arn]},
        )
        made = stepfunctions.CfnStateMachine(
            self,
            "Machine",
            state_machine_name=self._name,
            role_arn=role.arn,
            definition=machine.definition(operator_arn=operator.arn, verifier_arn=verifier.arn),
        )
        acknowledge(
            made,
            "AwsSolutions:SF1",
            "AwsSolutions:SF2",
            reason="Twelve runs a year: Step Functions keeps the history of each for 90 days",
        )
        return made

    def _schedules(
        self,
        state_machine: stepfunctions.CfnStateMachine,
        operator: OwnFunction,
        verifier: VpcFunction,
        keeper: VpcFunction,
    ) -> None:
        role = service_role(
            self,
            "ScheduleRole",
            policy_id="SchedulePolicy",
            service="scheduler.amazonaws.com",
            what="Start the recovery test, its watch and its keeper on their schedules",
            may={
                "states:StartExecution": [state_machine.ref],
                "lambda:InvokeFunction": [operator.arn, verifier.arn, keeper.arn],
            },
        )
        often = f"rate({WATCH_MINUTES} minutes)"
        sentinels = values(self._group.topology.group_id)
        for label, what, expression, target, given in (
            (
                "Monthly",
                "Prove that the newest backup can be restored",
                self._settings.recovery.schedule_expression,
                state_machine.ref,
                {},
            ),
            (
                "Watch",
                "Publish the age of backups and tests, remove what a test has left",
                often,
                operator.arn,
                {"watch": True},
            ),
            (
                "Keep",
                "Write and read the keys by which a restored backup proves itself",
                often,
                keeper.arn,
                {"sentinels": sentinels},
            ),
            (
                "Warm",
                "Keep the verifier ready: a function that is called once a month becomes Inactive",
                KEPT_WARM,
                verifier.arn,
                {"warm": True},
            ),
        ):
            on_schedule(
                self,
                label,
                name=f"{self._name}-{label.lower()}",
                description=what,
                expression=expression,
                target_arn=target,
                role=role,
                given=given,
                attempts=3,
            )
