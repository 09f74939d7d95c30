"""What the application reads: SSM parameters under one path, and the right to read them (§2.4)."""

from aws_cdk import aws_ssm as ssm

from constructs import Construct
from constructs.common.permissions import ManagedPolicy, allow, place
from constructs.data.auth_token import AuthToken
from constructs.data.replication_group import RedisReplicationGroup
from environments.application_settings import Application, variable_of
from environments.schema import Settings


class PublishedSettings(Construct):
    """The client's variables, each a parameter ``<path>/<NAME>``; the token's ARN, never the token.

    ``REDIS_PASSWORD`` is the value of the secret that ``REDIS_PASSWORD_SECRET_ARN`` names.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        group: RedisReplicationGroup,
        token: AuthToken,
    ) -> None:
        super().__init__(scope, construct_id)
        path, given = settings.parameter_path, settings.application
        own = {variable_of(tier) for tier in given.rate_limits.own}
        for name, value in _variables(given, group, token).items():
            ssm.CfnParameter(
                self,
                # Two names of one's own may be the same without their underscores.
                name if name in own else "".join(part.title() for part in name.split("_")),
                name=f"{path}/{name}",
                type="String",
                value=value,
            )
        parameters = place(self).arn("ssm", f"parameter{path}")
        read_policy = ManagedPolicy(
            self,
            "ReadPolicy",
            description="Read the Redis settings and the AUTH token: attach to the application",
            statements=[
                allow(
                    "ssm:GetParameter",
                    "ssm:GetParameters",
                    "ssm:GetParametersByPath",
                    on=[parameters, f"{parameters}/*"],
                    because="The path's own parameters, read together: nothing else is under it",
                )
            ],
        )
        token.grant_read(read_policy)
        self.read_policy_arn = read_policy.arn
        # For the templates of the application, by {{resolve:ssm:…}}: no variable of the client.
        ssm.CfnParameter(
            self,
            "ReadPolicyArn",
            name=f"{path}/READ_POLICY_ARN",
            type="String",
            value=self.read_policy_arn,
        )


def _variables(
    settings: Application, group: RedisReplicationGroup, token: AuthToken
) -> dict[str, str]:
    variables = {
        "REDIS_ENABLED": str(settings.redis_enabled).lower(),
        "REDIS_URL": f"rediss://{group.address}:{group.port}",
        "REDIS_PASSWORD_SECRET_ARN": token.arn,
        "REDIS_TLS": "true",
        "REDIS_TIMEOUT": str(settings.timeout_ms),
        "REDIS_MAX_RECONNECT_ATTEMPTS": str(settings.max_reconnect_attempts),
        "REDIS_POOL_SIZE": str(settings.pool_size),
        "REDIS_POOL_IDLE_SECONDS": str(settings.pool_idle_seconds),
        "REDIS_INSTANCES": str(settings.instances),
        **settings.rate_limits.variables,
    }
    if group.reader_address:
        variables["REDIS_READER_URL"] = f"rediss://{group.reader_address}:{group.port}"
    return variables
