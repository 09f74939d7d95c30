"""What works on the data by itself: functions on schedules, and their way to what they call."""

from constructs import Construct
from constructs.common.service_endpoints import ServiceEndpoints
from constructs.health.health_check import HealthCheck
from constructs.recovery.recovery_test import RecoveryTest
from constructs.rotation.token_rotation import TokenRotation
from constructs.servers.server_values import ServerValues
from environments.schema import Settings
from stacks.data import DataStack
from stacks.environment_stack import EnvironmentStack


class OperationsStack(EnvironmentStack):
    """Rotation of the token, health check, proof of the backups, application servers' values."""

    def __init__(self, scope: Construct, *, settings: Settings, data: DataStack) -> None:
        super().__init__(
            scope,
            "operations",
            settings=settings,
            description=f"Redis of {settings.environment.name}: rotation, health check, recovery",
        )
        endpoints = ServiceEndpoints(self, "Endpoints", settings=settings, network=data.network)
        TokenRotation(self, "Token", data=data, endpoints=endpoints)
        HealthCheck(self, "Health", data=data, endpoints=endpoints)
        recovery = RecoveryTest(self, "Recovery", data=data, endpoints=endpoints)
        self.recovery_token = recovery.token
        if tag := settings.application.server_tag:
            ServerValues(self, "Servers", settings=settings, tag=tag)
