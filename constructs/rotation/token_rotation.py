"""The quarterly rotation of the AUTH token, and what finishes it when it is interrupted (§2.3)."""

from aws_cdk import aws_secretsmanager as secretsmanager

from constructs import Construct
from constructs.common.own_function import OwnFunction, invoke_on_schedule
from constructs.common.service_endpoints import ServiceEndpoints, connect
from constructs.data.auth_token import AuthToken
from constructs.data.replication_group import RedisData
from environments.rotation_settings import SECONDS_AN_HOUR, Rotation

LONGEST_STEP_SECONDS = 60


class TokenRotation(Construct):
    """One function, called by Secrets Manager for its four steps and by a schedule of our own.

    Secrets Manager promises neither how often nor with which version it retries, so what was
    interrupted is finished by the schedule, which also retires the old token later.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, data: RedisData, endpoints: ServiceEndpoints
    ) -> None:
        super().__init__(scope, construct_id)
        settings, group, token = data.settings.rotation, data.replication_group, data.token
        # The alarm's: the function stays below half of it.
        refused_logins = data.settings.alarms.refused_logins_per_minute
        self._function = OwnFunction(
            self,
            "Rotation",
            settings=data.settings,
            name="rotation",
            handler="rotation.handler.handler",
            environment={
                "SECRET_ARN": token.arn,
                "REPLICATION_GROUP_ID": group.topology.group_id,
                "USER_ID": data.user.id,
                "RETIRE_AFTER_SECONDS": str(settings.retire_after_hours * SECONDS_AN_HOUR),
                "CLIENT_CACHE_SECONDS": str(settings.client_cache_seconds),
                "MOST_REFUSED_LOGINS": str(max(1, (refused_logins - 1) // 2)),
            },
            timeout_seconds=LONGEST_STEP_SECONDS,
            network=data.network,
            key=data.key,
        )
        token.grant_rotate(self._function)
        group.grant_describe(self._function)
        data.user.grant_modify(self._function)
        endpoints.open_to(self._function)
        redis = data.access.security_group_id
        connect(self._function, "Redis", self._function, redis, group.port, "Redis")
        if data.settings.redis.rotates:
            self._rotate(settings, token, endpoints)
        what = "Finish an interrupted rotation, retire the old token, publish the state"
        invoke_on_schedule(
            self,
            self._function,
            "rotation",
            f"rate({settings.reconcile_minutes} minutes)",
            what,
            construct_id="Reconcile",
            event="reconcile",
        )

    def _rotate(self, settings: Rotation, token: AuthToken, endpoints: ServiceEndpoints) -> None:
        permission = self._function.invocable(
            self, "SecretsManagerMayInvoke", "secretsmanager", token.arn
        )
        schedule = secretsmanager.CfnRotationSchedule(
            self,
            "Schedule",
            secret_id=token.arn,
            rotation_lambda_arn=self._function.arn,
            rotation_rules=secretsmanager.CfnRotationSchedule.RotationRulesProperty(
                schedule_expression=settings.schedule_expression, duration=f"{settings.hours}h"
            ),
            # A deployment never rotates: it only runs testSecret once.
            rotate_immediately_on_update=False,
        )
        # testSecret runs at once, and needs every permission, rule and endpoint.
        schedule.node.add_dependency(permission, self._function, endpoints)
