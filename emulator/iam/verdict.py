"""Recorded calls and connections, judged by the templates: one sentence per finding."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aws_rules.iam import CannotBeJudged, Request
from emulator.iam import alarms
from emulator.iam.actions import Call, execution_needs, needs
from emulator.iam.authorization import Authorization
from emulator.iam.endpoint_names import is_own
from emulator.iam.network import Network, Paths, Place
from emulator.iam.template import Declared, Deployment, Document, known

_FUNCTION = "AWS::Lambda::Function"
# botocore takes a service's address from a variable of this name and the service's id.
_ADDRESS = "AWS_ENDPOINT_URL"
_SERVICE_IDS = {"_secrets_manager": "secretsmanager", "_elasticache": "elasticache"}


@dataclass(frozen=True)
class Connection:
    """One TCP connection: the ARN of the function, and the address that it opened."""

    function: str
    host: str
    port: int


def calls(entries: Iterable[Mapping[str, Any]]) -> list[Call]:
    """The calls that the embedded AWS recorded, alike ones once."""
    recorded = [
        Call(
            entry["function"],
            entry["role"],
            entry["action"],
            entry["parameters"],
            entry["host"] if is_own(entry["host"]) else "",
        )
        for entry in entries
    ]
    return list({repr(call): call for call in recorded}.values())


@dataclass(frozen=True)
class Nodes:
    """The Redis nodes behind an address: security groups, subnet group and a name for findings."""

    name: str
    groups: tuple[str, ...]
    subnet_group: str


class Judge:
    """One deployment with its network; `nodes` are those that an address ever led to."""

    def __init__(
        self, deployment: Deployment, network: Network, nodes: Mapping[str, Nodes]
    ) -> None:
        self._deployment = deployment
        self._authorization = Authorization(deployment)
        self._paths = Paths(network, deployment.region)
        self._nodes = nodes

    def findings(self, calls: Iterable[Call], connections: Iterable[Connection]) -> list[str]:
        """Everything that AWS would have refused, each once."""
        judged: list[tuple[str, Iterator[str]]] = [
            *((str(each), self._execution(each)) for each in self._deployment.of_kind(_FUNCTION)),
            *((f"{each.function} calls {each.action}", self._call(each)) for each in calls),
            *(
                (f"{each.function} connects to {each.host}:{each.port}", self._connection(each))
                for each in dict.fromkeys(connections)
            ),
        ]
        findings: list[str] = []
        for subject, verdict in judged:
            try:
                findings += verdict
            except CannotBeJudged as reason:
                findings.append(f"{subject}: it cannot be judged: {reason}")
        return list(dict.fromkeys([*findings, *alarms.silenced(self._deployment)]))

    def _execution(self, function: Declared) -> Iterator[str]:
        role = self._deployment.get(function, "Role")
        requests = execution_needs(function, self._deployment)
        if not _watched(function.raw):
            yield (
                f"{function}: where it connects to cannot be recorded, it sets PYTHONPATH or its "
                "runtime is not Python"
            )
        for request in requests:
            refusal = self._authorization.refusal_to_role(role, request)
            if refusal:
                yield f"{function} cannot run, Lambda needs {request} in its role: {refusal}"

    def _call(self, call: Call) -> Iterator[str]:
        function = self._function(call.function)
        place = self._place(function)
        requests = needs(call, self._deployment)
        obstacle = self._obstacle(call, place, requests) if place else None
        for request in requests:
            refusal = self._authorization.refusal_to_role(call.role, request)
            if refusal:
                why = "" if request.action == call.action else f" for {call.action}"
                yield f"{function} needs {request}{why}: {refusal}"
        if obstacle:
            yield f"{function} cannot reach {call.action.partition(':')[0]}: {obstacle}"

    def _obstacle(self, call: Call, place: Place, requests: list[Request]) -> str | None:
        """On the way to the service: the network, and the policy of the endpoint that is taken."""
        service = call.action.partition(":")[0]
        endpoint = self._paths.endpoint(place, service)
        obstacle = self._paths.obstacle_to_service(place, service)
        named = place.addresses.get(service, "")
        if not obstacle and call.address != named:
            called = call.address or "the service's public name"
            obstacle = f"its environment names {named or 'no address'}, and it called {called}"
        if obstacle or endpoint is None or endpoint.policy is None:
            return obstacle
        refusals = (
            self._authorization.refusal_by_endpoint(endpoint, call.role, request)
            for request in requests
            if request.action == call.action
        )
        return next(filter(None, refusals), None)

    def _connection(self, connection: Connection) -> Iterator[str]:
        function = self._function(connection.function)
        nodes = self._nodes.get(connection.host)
        if nodes is None:
            raise CannotBeJudged("no Redis node of the rehearsal ever had this address")
        place, target = self._place(function), self._place_of(nodes)
        if place is None:
            obstacle: str | None = (
                "it is in no VPC; give it the VPC's private subnets and a security group"
            )
        else:
            obstacle = self._paths.obstacle_between(place, target, connection.port, nodes.name)
        if obstacle:
            yield f"{function} cannot reach {nodes.name} on port {connection.port}: {obstacle}"

    def _function(self, arn: str) -> Declared:
        without_version = ":".join(arn.split(":")[:7])
        return known(self._deployment.find_arn(_FUNCTION, without_version), "this function")

    def _place(self, function: Declared) -> Place | None:
        settings = self._deployment.get(function, "VpcConfig")
        if not settings or not settings.get("SubnetIds"):
            return None
        return Place(
            tuple(settings.get("SecurityGroupIds", [])),
            tuple(settings["SubnetIds"]),
            self._addresses(function),
        )

    def _addresses(self, function: Declared) -> dict[str, str]:
        """The host that each AWS_ENDPOINT_URL_… of a function's environment names, by service."""
        variables = function.raw.get("Environment", {}).get("Variables", {})
        hosts: dict[str, str] = {}
        for name in variables:
            if name.startswith(_ADDRESS):
                service = _SERVICE_IDS.get(name.removeprefix(_ADDRESS).lower())
                url = urlsplit(self._deployment.resolve(function.stack, variables[name]))
                if service is None or (url.scheme, url.port, url.path) != ("https", None, ""):
                    raise CannotBeJudged(
                        f"{name} in the environment of {function}: only https, a name, and the "
                        f"services {', '.join(_SERVICE_IDS.values())} are modelled"
                    )
                hosts[service] = str(url.hostname)
        return hosts

    def _place_of(self, nodes: Nodes) -> Place:
        name = nodes.subnet_group
        declared = self._deployment.find("AWS::ElastiCache::SubnetGroup", name)
        group = known(declared, f"the subnet group {name}")
        return Place(nodes.groups, tuple(self._deployment.get(group, "SubnetIds")))


def _watched(function: Document) -> bool:
    """Whether emulator/aws/function_process runs in the function's process."""
    variables = function.get("Environment", {}).get("Variables", {})
    return str(function.get("Runtime")).startswith("python") and "PYTHONPATH" not in variables
