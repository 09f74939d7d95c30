"""Preconditions other than names and quotas, each read by calls of the look-up role's rights."""

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from constructs.delivery.bootstrapped import DEFAULT_QUALIFIER, QUALIFIER_KEY
from constructs.delivery.workflow_role import ISSUER
from environments.network_settings import OwnNetwork
from tools.assembly import Document
from tools.change_sets.execute import LONGEST as _LONGEST
from tools.command import MINUTE, time_left
from tools.preflight.account import Account, Check, Finding, ok, refused, warning
from tools.stacks import find

# Chatbot's API answers nowhere else (Chatbot administrator guide; AWS's list of endpoints).
CHATBOT_REGIONS = ("us-east-2", "us-west-2", "eu-west-1", "ap-southeast-1")
SHAPE = (
    "aws secretsmanager get-secret-value --secret-id {} --query SecretString --output text | "
    "python3 -c 'import json, sys; print(*json.load(sys.stdin).keys())'"
)


def session(account: Account) -> Iterator[Finding]:
    """How long the credentials last, against how long an update of the nodes may take."""
    found, left = account.session.get_credentials(), time_left(account.session)
    needed = f"{_LONGEST.total_seconds() / 3600:g} hours are the longest that a deployment takes"
    if found and found.method == "env" and found.token and left is None:
        yield warning(
            f"temporary keys do not say when they end; {needed}",
            "CloudFormation continues without them, and make stacks shows what it did",
        )
    elif left is None:
        yield ok("the credentials do not end, or are renewed")
    elif left >= _LONGEST:
        yield ok(f"the keys end in {left / MINUTE:.0f} minutes; {needed}")
    else:
        yield refused(
            f"the keys end in {left / MINUTE:.0f} minutes; {needed}",
            "Ask for a longer session, or use a profile, whose keys are renewed",
        )


def bootstrap(account: Account) -> Iterator[Finding]:
    """The version of what ``cdk bootstrap`` made, under the qualifier that the templates name."""
    (needed,) = {
        (one["bootstrapStackVersionSsmParameter"], one["requiresBootstrapStackVersion"])
        for one in (stack.artifact["properties"] for stack in account.stacks.values())
    }
    parameter, least = needed
    qualifier = parameter.split("/")[2]
    environment = account.settings.environment
    option = "" if qualifier == DEFAULT_QUALIFIER else f" --qualifier {qualifier}"
    command = (
        f"node_modules/.bin/cdk bootstrap{option} aws://{environment.account}/{environment.region}"
    )
    ssm = account.client("ssm")
    try:
        version = int(ssm.get_parameter(Name=parameter)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound:
        others = [
            name.split("/")[2]
            for name in account.search(
                *("ssm", "get_parameters_by_path", "Parameters[].Name"),
                Path="/cdk-bootstrap",
                Recursive=True,
            )
        ]
        yield refused(
            f"the account is not bootstrapped with the qualifier {qualifier}"
            + (f", but with {', '.join(others)}" if others else ""),
            f'Write "{QUALIFIER_KEY}": "{others[0]}" into the context of cdk.json'
            if others
            else f"Run {command}",
        )
        return
    text = f"version {version} of qualifier {qualifier}; {least} or later is needed"
    yield ok(text) if version >= least else refused(text, f"Run {command} again")


def vpc(account: Account) -> Iterator[Finding]:
    """What the endpoints' own names take of the VPC."""
    if account.vpc_id is None or not account.touched("AWS::EC2::VPCEndpoint"):
        return
    ec2, enabled = account.client("ec2"), {}
    for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
        asked = attribute[0].lower() + attribute[1:]
        answer = ec2.describe_vpc_attribute(VpcId=account.vpc_id, Attribute=asked)
        enabled[attribute] = answer[attribute]["Value"]
    command = "aws ec2 modify-vpc-attribute --vpc-id {} --{}"
    if not enabled["EnableDnsSupport"]:
        yield refused(
            f"{account.vpc_id} has no DNS resolution, so no function finds an endpoint",
            command.format(account.vpc_id, "enable-dns-support"),
        )
    elif not enabled["EnableDnsHostnames"]:
        yield warning(
            f"{account.vpc_id} has DNS hostnames off. AWS's pages differ on whether an endpoint's "
            "own name takes them; the health check at the end of make deploy shows it",
            f"If it fails: {command.format(account.vpc_id, 'enable-dns-hostnames')}",
        )
    else:
        yield ok(f"{account.vpc_id} has DNS resolution and DNS hostnames")


def endpoints(account: Account) -> Iterator[Finding]:
    """Whether each zone that an endpoint would be in has the service."""
    touched = account.touched("AWS::EC2::VPCEndpoint")
    ec2 = account.client("ec2")
    for endpoint in touched:
        service = _text(endpoint["ServiceName"])
        try:
            details = ec2.describe_vpc_endpoint_services(ServiceNames=[service])["ServiceDetails"]
        except ClientError as failure:
            if failure.response["Error"]["Code"] != "InvalidServiceName":
                raise
            yield refused(
                f"there is no {service} in this Region",
                "Use endpoints that the VPC reaches: rotation.endpoint_security_group_id",
            )
            continue
        there = {zone for one in details for zone in one["AvailabilityZones"]}
        wanted = _zones(account, endpoint)
        if wanted <= there:
            yield ok(f"{service} is in {', '.join(sorted(wanted))}")
            continue
        left = ", ".join(f'"{zone}"' for zone in sorted(wanted & there))
        yield refused(
            f"{service} is not in {', '.join(sorted(wanted - there))}",
            f"Write endpoint_zones = [{left}] into [rotation] of "
            f"environments/{account.settings.environment.name}.toml: functions in other zones "
            "reach an endpoint there"
            if left
            else "Use another VPC, or endpoints of it: rotation.endpoint_security_group_id",
        )


def node_type(account: Account) -> Iterator[Finding]:
    """Whether ElastiCache offers the type in the Region: no API tells it by zone."""
    for group in account.touched("AWS::ElastiCache::ReplicationGroup"):
        kind = group["CacheNodeType"]
        found = account.search(
            *("elasticache", "describe_reserved_cache_nodes_offerings"),
            "ReservedCacheNodesOfferings[].CacheNodeType",
            CacheNodeType=kind,
        )
        if kind in found:
            yield ok(f"{kind} is offered in {account.settings.environment.region}")
        else:
            yield warning(
                f"no reservation of {kind} is offered in {account.settings.environment.region}",
                "It may be without nodes of it: choose another redis.node_type if creation fails",
            )


def slack(account: Account) -> Iterator[Finding]:
    """Whether Chatbot may post to the workspace, and no other configuration has the channel."""
    kind = "AWS::Chatbot::SlackChannelConfiguration"
    for wanted in account.touched(kind):
        team, channel = wanted["SlackWorkspaceId"], wanted["SlackChannelId"]
        chatbot = _chatbot(account)
        teams = chatbot.describe_slack_workspaces().get("SlackWorkspaces", [])
        if team not in {one["SlackTeamId"] for one in teams}:
            yield refused(
                f"workspace {team} is not authorised in this account",
                "Once, as an administrator of Slack: Chatbot's console, Configure new client",
            )
            continue
        pages = chatbot.get_paginator("describe_slack_channel_configurations").paginate()
        there = [one for page in pages for one in page.get("SlackChannelConfigurations", [])]
        ours = {one["ConfigurationName"] for one in account.touched(kind)}
        ours -= account.names(kind, "ConfigurationName")
        others = [
            arn
            for one in there
            if (name := (arn := one["ChatConfigurationArn"]).rpartition("/")[2]) not in ours
            and (
                (one["SlackTeamId"], one["SlackChannelId"]) == (team, channel)
                or name == wanted["ConfigurationName"]
            )
        ]
        for arn in others:
            yield refused(
                f"channel {channel} has a configuration already, and takes one per account: {arn}",
                "Write another notifications.slack_channel_id. If it is not needed: aws "
                f"chatbot delete-slack-channel-configuration --region {chatbot.meta.region_name} "
                f"--chat-configuration-arn {arn}",
            )
        if not others:
            yield ok(f"workspace {team} is authorised, and channel {channel} is free")


def _chatbot(account: Account) -> Any:
    """A client in the first Region that answers: a policy may close some to the account."""
    for region in CHATBOT_REGIONS[:-1]:
        client = account.client("chatbot", region)
        try:
            client.describe_slack_workspaces()
        except (ClientError, BotoCoreError):
            continue
        return client
    return account.client("chatbot", CHATBOT_REGIONS[-1])


def pagerduty(account: Account) -> Iterator[Finding]:
    """The secret, its key, and its policy. Its value is its owner's: a command shows its keys."""
    name = account.settings.notifications.pagerduty_secret_name
    touched = json.dumps(account.touched("AWS::SNS::Subscription"))
    if name is None or "resolve:secretsmanager" not in touched:
        return
    secrets = account.client("secretsmanager")
    try:
        secret = secrets.describe_secret(SecretId=name)
    except secrets.exceptions.ResourceNotFoundException:
        yield refused(
            f"there is no secret {name}",
            "Create it, as JSON with the key integration_url, or take "
            "notifications.pagerduty_secret_name out: alarms then reach Slack alone",
        )
        return
    if secret.get("DeletedDate"):
        yield refused(
            f"{name} is being deleted", f"aws secretsmanager restore-secret --secret-id {name}"
        )
        return
    open_questions = [
        *_key(account, secret.get("KmsKeyId")),
        *_policy(secrets.get_resource_policy(SecretId=name).get("ResourcePolicy")),
    ]
    yield from open_questions
    if not open_questions:
        yield ok(
            f"{name} is there. Its owner sees by this that it has integration_url: "
            f"{SHAPE.format(name)}"
        )


def _key(account: Account, key: str | None) -> Iterator[Finding]:
    """Of a secret without a key of its own, Secrets Manager's is used, which anybody's role may."""
    if not key or key.endswith("alias/aws/secretsmanager"):
        return
    kms = account.client("kms")
    state = kms.describe_key(KeyId=key)["KeyMetadata"].get("KeyState", "Enabled")
    if state != "Enabled":
        yield refused(f"its key {key} is {state}", f"aws kms enable-key --key-id {key}")
    policy = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    if f":{account.settings.environment.account}:root" not in policy:
        yield warning(
            f"the policy of its key {key} does not leave access to IAM",
            "Let it permit kms:Decrypt to the execution role of cdk bootstrap",
        )


def _policy(policy: str | None) -> Iterator[Finding]:
    found = json.loads(policy)["Statement"] if policy else []
    statements = found if isinstance(found, list) else [found]
    if any(one["Effect"] == "Deny" for one in statements):
        yield warning(
            "its policy denies something",
            "See that it lets the execution role of cdk bootstrap read it",
        )


def service_linked_role(account: Account) -> Iterator[Finding]:
    """ElastiCache's own role: it makes it by itself only for a caller that may create roles.

    Otherwise it answers ServiceLinkedRoleNotFoundFault (aws-controllers-k8s/community issue 367).
    """
    if not account.created("AWS::ElastiCache::ReplicationGroup"):
        return
    iam, name = account.client("iam"), "AWSServiceRoleForElastiCache"
    try:
        iam.get_role(RoleName=name)
    except iam.exceptions.NoSuchEntityException:
        yield refused(
            f"there is no {name}",
            "aws iam create-service-linked-role --aws-service-name elasticache.amazonaws.com",
        )
    else:
        yield ok(f"{name} is there")


def identity_provider(account: Account) -> Iterator[Finding]:
    """Whether ``make deploy-roles`` makes GitHub's provider just where there is none."""
    settings = account.settings
    if settings.delivery is None:
        return
    stack = f"{settings.prefix}-delivery"
    iam = account.client("iam")
    arn = f"arn:aws:iam::{settings.environment.account}:oidc-provider/{ISSUER}"
    try:
        iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        there = True
    except iam.exceptions.NoSuchEntityException:
        there = False
    makes = settings.delivery.own_identity_provider
    if there != makes or (there and find(account.client("cloudformation"), stack)):
        yield ok("GitHub's identity provider is there" if there else f"{stack} makes it")
        return
    yield warning(
        f"GitHub's identity provider is {'there' if there else 'not there'}, and "
        f"delivery.own_identity_provider is {str(makes).lower()}: make deploy-roles would fail",
        f"Write own_identity_provider = {str(not makes).lower()}",
    )


def servers(account: Account) -> Iterator[Finding]:
    """Whether a server has the tag and is managed by Systems Manager."""
    tag = account.settings.application.server_tag
    if tag is None or not account.touched("AWS::SSM::Association"):
        return
    found = list(
        account.search(
            *("ssm", "describe_instance_information", "InstanceInformationList[].InstanceId"),
            Filters=[{"Key": f"tag:{tag.key}", "Values": [tag.value]}],
        )
    )
    if found:
        yield ok(f"{len(found)} have {tag.key}={tag.value} and are managed by Systems Manager")
    else:
        yield warning(
            f"none with {tag.key}={tag.value} is managed by Systems Manager",
            "Servers that are started later get the values then",
        )


CHECKS: tuple[tuple[str, Check], ...] = (
    ("session", session),
    ("bootstrap", bootstrap),
    ("VPC", vpc),
    ("endpoint services", endpoints),
    ("node type", node_type),
    ("Slack", slack),
    ("PagerDuty", pagerduty),
    ("service-linked role", service_linked_role),
    ("identity provider", identity_provider),
    ("application servers", servers),
)


def _zones(account: Account, endpoint: Document) -> set[str]:
    """Of the endpoint's subnets; where the deployment makes those too, of the settings."""
    ids = [subnet for subnet in endpoint["SubnetIds"] if isinstance(subnet, str)]
    if isinstance(account.settings.network.vpc, OwnNetwork):
        named = account.settings.rotation.endpoint_zones
        return set(named or account.settings.network.vpc.zones)
    return set(
        account.search("ec2", "describe_subnets", "Subnets[].AvailabilityZone", SubnetIds=ids)
    )


def _text(value: Any) -> str:
    return (
        value if isinstance(value, str) else "".join(map(str, value.get("Fn::Join", ["", []])[1]))
    )
