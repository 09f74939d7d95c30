"""Templates, read with their references resolved: across stacks, and to deployed ids if given.

The values of Ref and Fn::GetAtt of the types of resources in policies and paths.

Source: the return values in the CloudFormation template reference of each type.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_rules.iam import CannotBeJudged
from emulator.iam.endpoint_names import default_name, own_names

Document = dict[str, Any]
_NOTHING = object()


@dataclass(frozen=True)
class Declared:
    """One resource of one template, its properties unresolved."""

    stack: str
    logical_id: str
    kind: str
    raw: Document

    def __str__(self) -> str:
        """As it is named in a finding."""
        return f"{self.logical_id} in stack {self.stack}"


def known(resource: Declared | None, what: str) -> Declared:
    """What was found. Raises CannotBeJudged where no template has it."""
    if resource is None:
        raise CannotBeJudged(f"no template has {what}")
    return resource


class Deployment:
    """The templates of one account and Region, by stack name.

    `physical_ids`, by stack and logical id, are what CloudFormation made; a resource that is not
    among them is given the id that its name property asks for, else its logical id.
    """

    def __init__(
        self,
        templates: Mapping[str, Document],
        *,
        account: str,
        region: str,
        physical_ids: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        self.account = account
        self.region = region
        self._templates = templates
        self._physical_ids = physical_ids or {}
        self._resources = {
            (stack, logical_id): Declared(
                stack, logical_id, resource["Type"], resource.get("Properties", {})
            )
            for stack, template in templates.items()
            for logical_id, resource in template.get("Resources", {}).items()
        }
        self._exports = {
            output["Export"]["Name"]: (stack, output["Value"])
            for stack, template in templates.items()
            for output in template.get("Outputs", {}).values()
            if isinstance(output.get("Export", {}).get("Name"), str)
        }
        self._functions: dict[str, Callable[[str, Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::GetStackOutput": self._output,
            "Fn::ImportValue": self._import,
            "Fn::Join": lambda at, value: value[0].join(map(str, self.resolve(at, value[1]))),
            "Fn::Select": lambda at, value: self.resolve(at, value[1])[int(value[0])],
            "Fn::Split": lambda at, value: str(self.resolve(at, value[1])).split(value[0]),
        }

    def of_kind(self, *kinds: str) -> list[Declared]:
        """Every resource of these types, in the templates' order."""
        return [resource for resource in self._resources.values() if resource.kind in kinds]

    def get(self, resource: Declared, key: str, default: Any = None) -> Any:
        """A property, resolved. Raises CannotBeJudged when a reference in it is not modelled."""
        value = self.resolve(resource.stack, resource.raw.get(key, default))
        return default if value is _NOTHING else value

    def id(self, resource: Declared) -> str:
        """The value of Ref."""
        physical_id = self._physical_ids.get((resource.stack, resource.logical_id))
        if physical_id is not None:
            return physical_id
        kind = KINDS.get(resource.kind, Kind())
        name = self.get(resource, kind.name, resource.logical_id)
        return self._fill(kind.ref, resource, name=str(name))

    def arn(self, resource: Declared) -> str:
        """The value of Fn::GetAtt for Arn."""
        return str(self.attribute(resource, "Arn"))

    def find(self, kind: str, physical_id: str) -> Declared | None:
        """The resource with this id, or None when no template has it."""
        return next((one for one in self.of_kind(kind) if self.id(one) == physical_id), None)

    def find_arn(self, kind: str, arn: str) -> Declared | None:
        """The resource with this ARN, or None when no template has it."""
        return next((one for one in self.of_kind(kind) if self.arn(one) == arn), None)

    def resolve(self, stack: str, value: Any) -> Any:
        """A value of a stack's template without intrinsic functions in it."""
        if isinstance(value, list):
            items = [self.resolve(stack, item) for item in value]
            return [item for item in items if item is not _NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name in self._functions:
                return self._functions[name](stack, argument)
            if name.startswith("Fn::"):
                raise CannotBeJudged(f"{name} in stack {stack}: add it to emulator/iam/template.py")
        pairs = {key: self.resolve(stack, item) for key, item in value.items()}
        return {key: item for key, item in pairs.items() if item is not _NOTHING}

    def _ref(self, stack: str, name: str) -> Any:
        pseudo = {
            "AWS::AccountId": self.account,
            "AWS::NoValue": _NOTHING,
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::StackName": stack,
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name in pseudo:
            return pseudo[name]
        parameter = self._templates[stack].get("Parameters", {}).get(name)
        if parameter is not None and "Default" in parameter:
            return parameter["Default"]
        return self.id(self._resource(stack, name))

    def _get_att(self, stack: str, argument: Any) -> Any:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        return self.attribute(self._resource(stack, parts[0]), parts[1])

    def attribute(self, resource: Declared, attribute: str) -> Any:
        """The value of Fn::GetAtt. Raises CannotBeJudged for an attribute that is not modelled."""
        made_of_ref = KINDS.get(resource.kind, Kind()).attributes
        if attribute in made_of_ref:
            ref = self.id(resource)
            last = ref.rpartition("/")[2]
            return self._fill(made_of_ref[attribute], resource, ref=ref, last=last)
        if attribute in resource.raw:
            return self.get(resource, attribute)
        if (resource.kind, attribute) == ("AWS::EC2::VPCEndpoint", "DnsEntries"):
            return self._dns_entries(resource)
        raise CannotBeJudged(f"{attribute} of {resource}: add it to emulator/iam/template.py")

    def _dns_entries(self, endpoint: Declared) -> list[str]:
        """Each name after the id of its hosted zone; the real zones' letters do not matter."""
        service = str(self.get(endpoint, "ServiceName"))
        zones = [f"zone{number}" for number, _ in enumerate(self.get(endpoint, "SubnetIds", []))]
        names = own_names(self.id(endpoint), service, zones)
        if self.get(endpoint, "PrivateDnsEnabled"):
            names.append(default_name(service))
        return [f"Z7HUB22UULQXV:{name}" for name in names]

    def _fill(self, pattern: str, resource: Declared, **parts: str) -> str:
        path = self.get(resource, "Path", "/") if "{path}" in pattern else "/"
        return pattern.format(account=self.account, region=self.region, path=path, **parts)

    def _resource(self, stack: str, logical_id: str) -> Declared:
        resource = self._resources.get((stack, logical_id))
        if resource is None:
            raise CannotBeJudged(f"stack {stack} refers to {logical_id}, which has no known value")
        return resource

    def _import(self, stack: str, argument: Any) -> Any:
        name = self.resolve(stack, argument)
        if name not in self._exports:
            raise CannotBeJudged(f"stack {stack} imports {name}, which no template exports")
        return self.resolve(*self._exports[name])

    def _output(self, stack: str, argument: Any) -> Any:
        wanted = self.resolve(stack, argument)
        other, name = wanted["StackName"], wanted["OutputName"]
        output = self._templates.get(other, {}).get("Outputs", {}).get(name)
        if output is None:
            raise CannotBeJudged(f"stack {stack} reads {name} of {other}, which no template has")
        return self.resolve(other, output["Value"])


@dataclass(frozen=True)
class Kind:
    """`name` is the property that names it, `ref` what Ref makes of the name.

    `attributes` are made of what Ref gives, of which {last} is what follows the last slash.
    {account}, {region} and {path} are filled in.
    """

    name: str = ""
    ref: str = "{name}"
    attributes: Mapping[str, str] = field(default_factory=dict)


def _arn(arn: str, name: str = "") -> Kind:
    return Kind(name, arn, {"Arn": "{ref}"})


_HERE = "{region}:{account}"

KINDS: Mapping[str, Kind] = {
    "AWS::CloudWatch::Alarm": Kind(
        "AlarmName", attributes={"Arn": f"arn:aws:cloudwatch:{_HERE}:alarm:{{ref}}"}
    ),
    "AWS::EC2::SecurityGroup": Kind(attributes={"GroupId": "{ref}", "Id": "{ref}"}),
    "AWS::EC2::Subnet": Kind(attributes={"SubnetId": "{ref}"}),
    "AWS::EC2::VPC": Kind(attributes={"VpcId": "{ref}"}),
    "AWS::EC2::VPCEndpoint": Kind(ref="vpce-{name}"),
    "AWS::ElastiCache::ReplicationGroup": Kind("ReplicationGroupId"),
    "AWS::ElastiCache::SubnetGroup": Kind("CacheSubnetGroupName"),
    "AWS::ElastiCache::User": Kind("UserId"),
    "AWS::ElastiCache::UserGroup": Kind("UserGroupId"),
    "AWS::IAM::ManagedPolicy": _arn(
        "arn:aws:iam::{account}:policy{path}{name}", "ManagedPolicyName"
    ),
    "AWS::IAM::Role": Kind(
        "RoleName", attributes={"Arn": "arn:aws:iam::{account}:role{path}{ref}"}
    ),
    "AWS::KMS::Alias": Kind("AliasName"),
    "AWS::KMS::Key": Kind(attributes={"Arn": f"arn:aws:kms:{_HERE}:key/{{ref}}"}),
    "AWS::Lambda::Function": Kind(
        "FunctionName", attributes={"Arn": f"arn:aws:lambda:{_HERE}:function:{{ref}}"}
    ),
    "AWS::Logs::LogGroup": Kind(
        "LogGroupName", attributes={"Arn": f"arn:aws:logs:{_HERE}:log-group:{{ref}}:*"}
    ),
    "AWS::S3::Bucket": Kind("BucketName", attributes={"Arn": "arn:aws:s3:::{ref}"}),
    "AWS::SNS::Topic": Kind(
        "TopicName",
        f"arn:aws:sns:{_HERE}:{{name}}",
        {"Arn": "{ref}", "TopicArn": "{ref}"},
    ),
    "AWS::SQS::Queue": Kind(
        "QueueName",
        "https://sqs.{region}.amazonaws.com/{account}/{name}",
        {"Arn": f"arn:aws:sqs:{_HERE}:{{last}}", "QueueName": "{last}"},
    ),
    "AWS::SSM::Parameter": Kind("Name"),
    # The service adds six characters of its own.
    "AWS::SecretsManager::Secret": Kind(
        "Name",
        f"arn:aws:secretsmanager:{_HERE}:secret:{{name}}-AbCdEf",
        {"Arn": "{ref}", "Id": "{ref}"},
    ),
    "AWS::StepFunctions::StateMachine": _arn(
        f"arn:aws:states:{_HERE}:stateMachine:{{name}}", "StateMachineName"
    ),
}
