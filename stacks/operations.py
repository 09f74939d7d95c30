"""What works on the data by itself: functions on schedules, and their way to what they call."""

from constructs import Construct
from constructs.recovery_test import RecoveryTest
from constructs.service_endpoints import ServiceEndpoints
from constructs.token_rotation import TokenRotation
from environments.schema import Settings
from stacks.data import DataStack
from stacks.environment_stack import EnvironmentStack


class OperationsStack(EnvironmentStack):
    """The rotation of the token, and the proof that the backups can be restored."""

    def __init__(self, scope: Construct, *, settings: Settings, data: DataStack) -> None:
        super().__init__(
            scope,
            "operations",
            settings=settings,
            description=f"Redis of {settings.environment.name}: token rotation, recovery test",
        )
        endpoints = ServiceEndpoints(
            self,
            "Endpoints",
            network=data.network,
            services=settings.rotation.endpoints,
            own_group_id=settings.rotation.endpoint_security_group_id,
            name=f"{settings.prefix}-endpoints",
        )
        TokenRotation(
            self,
            "Token",
            prefix=settings.prefix,
            settings=settings.rotation,
            group=data.replication_group,
            access=data.access,
            token=data.token,
            key=data.key,
            network=data.network,
            endpoints=endpoints,
            log_retention_days=settings.redis.log_retention_days,
        )
        RecoveryTest(
            self,
            "Recovery",
            settings=settings,
            group=data.replication_group,
            parameters=data.parameters,
            access=data.access,
            token=data.token,
            key=data.key,
            network=data.network,
            endpoints=endpoints,
        )
