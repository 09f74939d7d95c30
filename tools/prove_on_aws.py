"""Proves on AWS what only AWS can show: ``make prove-on-aws ENV=sandbox``.

usage: python -m tools.prove_on_aws ENVIRONMENT [--out FOLDER]

It takes the account and the Region of an environment, makes a scratch group of production's form in
the account's default VPC, and goes through the lines of docs/reference/decisions.md, "What only AWS
can show". Everything is deleted in the end, after an interrupt too. Two files say what was found:
the fields of all answers, without a value, which the emulator's tests hold it to, and a table.
"""

import argparse
import json
import os
import re
import secrets
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import redis
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import OperationModel

from aws_rules.answers import fields
from environments.load import load
from environments.node_types import node_type
from health.user import rights
from reviews.series import of_node, query
from tools.answers import MissingFieldError
from tools.command import Answer, ended, session
from tools.context import ROOT

RECORDED, TABLE = "tests/emulator/samples/recorded.json", "docs/reference/proven-on-aws.md"
NODE_TYPE, NODES = "cache.t4g.micro", 3  # two of the group, one that is restored
HOURS = 1.5
LONGEST_WAIT = timedelta(minutes=45)  # for one change; the field knows 20 minutes
ACCESS = "on ~* &* +@all -@admin -@dangerous +info +client +cluster +slowlog"
CHATBOT = "us-east-2"  # one of the four Regions that answer


class Outcome(Exception):  # noqa: N818 - an outcome, not a fault
    """``fail: …``, where AWS does otherwise than we rely on, or ``unknown: …``, not asked."""


class Recorder:
    """Keeps the names of the fields that each answer has, by operation and situation."""

    def __init__(self, made: boto3.Session) -> None:
        self.situation = "set-up"
        self._found: dict[tuple[str, str], set[str]] = {}
        made.events.register("after-call", self._keep)

    def document(self, today: str) -> dict[str, list[dict[str, Any]]]:
        """In the form of tests/emulator/samples/answers.json."""
        answers: dict[str, list[dict[str, Any]]] = {}
        for (operation, situation), paths in sorted(self._found.items()):
            sample = {"situation": situation, "source": f"recorded on AWS, {today}"}
            answers.setdefault(operation, []).append(sample | {"fields": sorted(paths)})
        return answers

    def _keep(self, parsed: dict[str, Any], model: OperationModel, **_: object) -> None:
        if "Error" not in parsed and model.output_shape is not None:
            operation = f"{model.service_model.service_name}:{model.name}"
            found = self._found.setdefault((operation, self.situation), set())
            found |= fields(model.output_shape, parsed)


class Scratch:
    """What is made for the proof, by one random name, and how it is deleted."""

    def __init__(self, made: boto3.Session, say: Callable[[str], None], pause: float) -> None:
        self.client: Callable[..., Any] = made.client
        self.elasticache, self.sqs = made.client("elasticache"), made.client("sqs")
        self.name = f"scratch-{secrets.token_hex(4)}"
        self.password = secrets.token_hex(32)
        self.user = f"{self.name}-default"
        self.queue = ""
        self.undo = ExitStack()
        self._say, self._pause = say, pause

    def build(self) -> None:
        """User, topic, queue and group; each is in ``undo`` before the next begins."""
        subnets, cache = self._subnets(), self.elasticache
        cache.create_cache_subnet_group(
            CacheSubnetGroupName=self.name, CacheSubnetGroupDescription="proof", SubnetIds=subnets
        )
        self.undo.callback(cache.delete_cache_subnet_group, CacheSubnetGroupName=self.name)
        login = {"UserName": "default", "AccessString": ACCESS, "Passwords": [self.password]}
        cache.create_user(UserId=self.user, Engine="redis", **login)
        self.undo.callback(self._delete_user)
        self.until(self.user_is_active, "the user is active")
        cache.create_user_group(UserGroupId=self.name, Engine="redis", UserIds=[self.user])
        self.undo.callback(self._delete_user_group)
        self.until(self.user_is_active, "the user is active")
        form = {"NumCacheClusters": 2, "SnapshotRetentionLimit": 1}
        form |= {"AutomaticFailoverEnabled": True, "MultiAZEnabled": True}
        self.make_group(self.name, NotificationTopicArn=self._topic(), **form)

    def make_group(self, name: str, **more: Any) -> dict[str, Any]:
        """Create a group with the user, in ``undo`` at once, and wait until it is available."""
        self.undo.callback(self.delete_group, name)
        self.elasticache.create_replication_group(
            ReplicationGroupId=name,
            ReplicationGroupDescription="proof: can be deleted",
            Engine="redis",
            EngineVersion="6.2",
            CacheNodeType=NODE_TYPE,
            CacheSubnetGroupName=self.name,
            TransitEncryptionEnabled=True,
            AtRestEncryptionEnabled=True,
            UserGroupIds=[self.name],
            **more,
        )
        return self.available(name)

    def group(self, name: str = "") -> dict[str, Any] | None:
        """A group as AWS describes it; None for one that is gone."""
        cache, asked = self.elasticache, {"ReplicationGroupId": name or self.name}
        try:
            found: dict[str, Any] = cache.describe_replication_groups(**asked)["ReplicationGroups"][
                0
            ]
        except cache.exceptions.ReplicationGroupNotFoundFault:
            return None
        return found

    def available(self, name: str = "") -> dict[str, Any]:
        """The group once nothing is being done to it. Raises Outcome if its creation failed."""

        def look() -> bool:
            found = self.group(name) or {}
            if found.get("Status") == "create-failed":
                raise Outcome(f"fail: the creation of {name or self.name} failed")
            return found.get("Status") == "available"

        self.until(look, f"{name or self.name} is available")
        return self.group(name) or {}

    def user_is_active(self) -> bool:
        """Whether nothing is being done to the user."""
        (found,) = self.elasticache.describe_users(UserId=self.user)["Users"]
        return bool(found["Status"] == "active")

    def until(self, look: Callable[[], object], what: str) -> Any:
        """Ask until it is so; what was found. Raises Outcome after LONGEST_WAIT."""
        self._say(f"    waiting: {what}")
        end = time.monotonic() + LONGEST_WAIT.total_seconds()
        while time.monotonic() < end:
            if found := look():
                return found
            time.sleep(self._pause)
        raise Outcome(f"fail: after {LONGEST_WAIT} it is not so that {what}")

    def delete_group(self, name: str) -> None:
        """Delete a group, whatever is being done to it, and wait until it is gone."""
        settled = ("available", "create-failed", "deleting")
        self.until(lambda: (self.group(name) or {"Status": "deleting"})["Status"] in settled, name)
        found = self.group(name)
        if found and found["Status"] != "deleting":
            self.elasticache.delete_replication_group(ReplicationGroupId=name)
        self.until(lambda: self.group(name) is None, f"{name} is deleted")

    def _subnets(self) -> list[str]:
        ec2 = self.client("ec2")
        default = [{"Name": "is-default", "Values": ["true"]}]
        vpcs = ec2.describe_vpcs(Filters=default)["Vpcs"]
        if not vpcs:
            raise Answer(
                "prove-on-aws: the Region has no default VPC, and the scratch group is made there. "
                "Create one: aws ec2 create-default-vpc"
            )
        inside = [{"Name": "vpc-id", "Values": [vpcs[0]["VpcId"]]}]
        found = ec2.describe_subnets(Filters=inside)["Subnets"]
        return list({one["AvailabilityZone"]: one["SubnetId"] for one in found}.values())

    def _topic(self) -> str:
        sns = self.client("sns")
        topic: str = sns.create_topic(Name=self.name)["TopicArn"]
        self.undo.callback(sns.delete_topic, TopicArn=topic)
        self.queue = self.sqs.create_queue(QueueName=self.name)["QueueUrl"]
        self.undo.callback(self.sqs.delete_queue, QueueUrl=self.queue)
        wanted = {"QueueUrl": self.queue, "AttributeNames": ["QueueArn"]}
        queue = self.sqs.get_queue_attributes(**wanted)["Attributes"]["QueueArn"]
        account = topic.split(":")[4]
        owner = {"StringEquals": {"aws:SourceOwner": account}}
        plain = {"Bool": {"aws:SecureTransport": "false"}}
        opened = _statement("sns:Publish", topic, owner)
        policy = _policy(opened, _statement("sns:Publish", topic, plain) | {"Effect": "Deny"})
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
        of_topic = {"ArnEquals": {"aws:SourceArn": topic}}
        attributes = {"Policy": _policy(_statement("sqs:SendMessage", queue, of_topic))}
        self.sqs.set_queue_attributes(QueueUrl=self.queue, Attributes=attributes)
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
        return topic

    def _delete_user_group(self) -> None:
        def look() -> bool:
            try:
                answer = self.elasticache.describe_user_groups(UserGroupId=self.name)
                if answer["UserGroups"][0]["Status"] == "active":
                    self.elasticache.delete_user_group(UserGroupId=self.name)
            except self.elasticache.exceptions.UserGroupNotFoundFault:
                return True
            return False

        self.until(look, "the user group is deleted")

    def _delete_user(self) -> None:
        self.until(self.user_is_active, "the user is active")
        self.elasticache.delete_user(UserId=self.user)


def answers_without_samples(scratch: Scratch) -> str:
    """The fields of answers that no sample shows."""
    for service, call in (
        ("events", "list_rules"),
        ("scheduler", "list_schedules"),
        ("logs", "describe_resource_policies"),
        ("stepfunctions", "list_state_machines"),
    ):
        getattr(scratch.client(service), call)()
    try:
        scratch.client("chatbot", region_name=CHATBOT).describe_slack_workspaces()
    except (ClientError, BotoCoreError):
        return "recorded, but for Chatbot, which did not answer"
    return "recorded"


def access_string(scratch: Scratch) -> str:
    """Whether what is shown means what was given."""
    (user,) = scratch.elasticache.describe_users(UserId=scratch.user)["Users"]
    if rights(user["AccessString"]) != rights(ACCESS):
        raise Outcome(f"fail: shown as {user['AccessString']}, which means something else")
    return f"taken, and shown as {user['AccessString']}"


def login(scratch: Scratch) -> str:
    """AUTH with the password alone, at both addresses."""
    (shard,) = (scratch.group() or {})["NodeGroups"]
    given: dict[str, Any] = {"password": scratch.password, "socket_connect_timeout": 5}
    given |= {"ssl": True, "ssl_ca_certs": os.environ.get("SSL_CERT_FILE")}
    for endpoint in (shard["PrimaryEndpoint"], shard["ReaderEndpoint"]):
        client = redis.Redis(endpoint["Address"], endpoint["Port"], **given)
        try:
            client.ping()
        except redis.AuthenticationError as refused:
            raise Outcome(f"fail: refused: {type(refused).__name__}") from None
        except (redis.ConnectionError, redis.TimeoutError, OSError) as failure:
            todo = "run it in the default VPC, in its default group"
            raise Outcome(f"unknown: not reached ({type(failure).__name__}): {todo}") from None
    return "logged in at the primary and the reader address"


def names_of_nodes(scratch: Scratch) -> str:
    """The first numbers, and a zone for each node."""
    group = scratch.group() or {}
    if group["MemberClusters"] != [f"{scratch.name}-00{number}" for number in (1, 2)]:
        raise Outcome(f"fail: the nodes are {group['MemberClusters']}")
    return "the two nodes have the numbers 001 and 002"


def busy_user(scratch: Scratch) -> str:
    """A change of passwords while a backup is taken; the backup is the restore's too."""
    cache, (first, *_) = scratch.elasticache, (scratch.group() or {})["MemberClusters"]
    scratch.undo.callback(cache.delete_snapshot, SnapshotName=scratch.name)
    cache.create_snapshot(CacheClusterId=first, SnapshotName=scratch.name)
    status = (scratch.group() or {}).get("Status")
    try:
        passwords = [scratch.password, secrets.token_hex(32)]
        cache.modify_user(UserId=scratch.user, Passwords=passwords)
    except ClientError as refused:
        said = f"refused with {refused.response['Error']['Code']} while the group is {status}"
    else:
        begun = time.monotonic()
        scratch.until(scratch.user_is_active, "the user is active")
        said = f"taken while the group is {status}; active after {time.monotonic() - begun:.0f} s"
        (user,) = cache.describe_users(UserId=scratch.user)["Users"]
        if user["Authentication"].get("PasswordCount") != 2:
            raise Outcome(f"fail: {said}, and then it has other passwords than the two given")
    scratch.available()
    return said


def snapshots_by_group(scratch: Scratch) -> str:
    """A filter by ReplicationGroupId, without cluster mode."""
    found = scratch.elasticache.describe_snapshots(ReplicationGroupId=scratch.name)["Snapshots"]
    return f"in part: a filter by the group finds {len(found)} of 1; cluster mode was not asked"


def restored(scratch: Scratch) -> str:
    """A group from the snapshot, with one node."""
    begun = time.monotonic()
    scratch.make_group(f"{scratch.name}-r", SnapshotName=scratch.name, NumCacheClusters=1)
    return f"restored without a replica in {(time.monotonic() - begun) / 60:.0f} min"


def alarm_of_arrays(scratch: Scratch) -> str:
    """An alarm over an array of quotients."""
    watch = scratch.client("cloudwatch")
    scratch.undo.callback(watch.delete_alarms, AlarmNames=[scratch.name])
    lags = [each | {"ReturnData": False} for each in _lags(scratch)]
    watch.put_metric_alarm(
        AlarmName=scratch.name,
        Metrics=[*lags, {"Id": "most", "Expression": "MAX([a1/8,a2/32])", "ReturnData": True}],
        ComparisonOperator="GreaterThanThreshold",
        Threshold=1.0,
        EvaluationPeriods=1,
    )
    return "PutMetricAlarm takes MAX([a1/8,a2/32])"


def lag_of_the_replica(scratch: Scratch) -> str:
    """MAX over both nodes, of which one reports no ReplicationLag."""
    now = datetime.now(UTC)
    results = scratch.client("cloudwatch").get_metric_data(
        MetricDataQueries=[*_lags(scratch), {"Id": "most", "Expression": "MAX([a1,a2])"}],
        StartTime=now - timedelta(minutes=30),
        EndTime=now,
    )["MetricDataResults"]
    values = {one["Id"]: one["Values"] for one in results}
    if not values["a1"] and not values["a2"]:
        raise Outcome("unknown: no node has reported a lag yet")
    silent = [name for name in ("a1", "a2") if not values[name]]
    if not values["most"]:
        raise Outcome(f"fail: MAX has no value while {', '.join(silent)} reports none")
    return f"MAX has a value while {', '.join(silent) or 'no node'} reports none"


def event_form(scratch: Scratch) -> str:
    """What arrives of a failover, through a topic that refuses plain text."""
    scratch.elasticache.test_failover(ReplicationGroupId=scratch.name, NodeGroupId="0001")

    def look() -> list[str]:
        asked = {"QueueUrl": scratch.queue, "WaitTimeSeconds": 1, "MaxNumberOfMessages": 10}
        received = scratch.sqs.receive_message(**asked).get("Messages", [])
        texts = [str(json.loads(one["Body"]).get("Message", "")) for one in received]
        return [text for text in texts if "Failover" in text]

    text = scratch.until(look, "the event of the failover is in the queue")[0]
    scratch.available()
    return f"arrived as {text}"


# By how a line of docs/reference/decisions.md, "What only AWS can show", begins.
CHECKS: dict[str, Callable[[Scratch], str]] = {
    "The fields of answers": answers_without_samples,
    "ElastiCache takes the access string on 6.2": access_string,
    "`AUTH <password>` without a name": login,
    "ElastiCache gives the first 99 numbers": names_of_nodes,
    "A metric-math alarm takes an array of quotients": alarm_of_arrays,
    "ModifyUser is possible while the group is busy": busy_user,
    "DescribeSnapshots finds snapshots of a group": snapshots_by_group,
    "How long a restore takes": restored,
    "MAX over nodes ignores the primary": lag_of_the_replica,
    "ElastiCache publishes to a topic": event_form,
}


def lines() -> list[str]:
    """Every line of docs/reference/decisions.md that is unproven."""
    text = (ROOT / "docs/reference/decisions.md").read_text()
    section = text.partition("## What only AWS can show")[2]
    rows = re.findall(r"^\| (.+?) \| .+ \|$", section, re.MULTILINE)
    return [row for row in rows if row != "unproven"]


def prove(scratch: Scratch, recorder: Recorder, say: Callable[[str], None]) -> dict[str, str]:
    """The outcome of each check by its line: ``pass: …``, ``fail: …`` or ``unknown: …``."""
    outcomes = {}
    for line, check in CHECKS.items():
        recorder.situation = line
        try:
            outcomes[line] = f"pass: {check(scratch)}"
        except Outcome as outcome:
            outcomes[line] = str(outcome)
        except ClientError as refused:
            outcomes[line] = f"unknown: AWS answered {refused.response['Error']['Code']}"
        say(f"  {line}: {outcomes[line]}")
    return outcomes


def table(outcomes: dict[str, str], words: str) -> str:
    """The page: a row for each unproven line, with a check or without; no row before a run."""
    head = (
        "# What was proven on AWS\n\nFor those who decide whether to deploy. "
        "`make prove-on-aws ENV=sandbox` writes here the outcome of each line of "
        "[decisions.md](decisions.md#what-only-aws-can-show).\n\n"
    )
    if not outcomes:
        return f"{head}{words}: every line is unproven.\n"
    rows = []
    for line in lines():
        outcome = next((said for start, said in outcomes.items() if line.startswith(start)), "")
        rows.append(f"| {line.partition(': ')[0]} | {outcome or 'unknown'} |")
    # The report shows each section of this title.
    head += f"## What only AWS can show\n\n{words}.\n\n| unproven | outcome |\n|---|---|\n"
    return head + "\n".join(rows) + "\n"


def run(
    made: boto3.Session, out: Path, say: Callable[[str], None], where: str, pause: float = 15
) -> int:
    """Make, prove, delete, write. 0 if nothing failed. Raises KeyboardInterrupt after deleting."""
    recorder = Recorder(made)
    scratch = Scratch(made, say, pause)
    outcomes: dict[str, str] = {}
    try:
        with scratch.undo:
            scratch.undo.callback(lambda: signal.signal(signal.SIGINT, before))
            try:
                scratch.build()
                outcomes = prove(scratch, recorder, say)
            finally:
                # A second Ctrl-C would leave behind what costs money.
                before = signal.signal(signal.SIGINT, signal.SIG_IGN)
                recorder.situation = "deletion"
                say("  deleting everything that was made")
    except (BotoCoreError, ClientError, MissingFieldError, Outcome) as failure:
        raise Answer(
            f"prove-on-aws: {failure.args[0]}. Look for what is left: aws elasticache "
            f"describe-replication-groups; everything that was made is called {scratch.name}."
        ) from None
    finally:
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        answers = json.dumps(recorder.document(today), indent=1)
        files = {RECORDED: answers, TABLE: table(outcomes, f"{where} on {today}")}
        # A run that proved nothing leaves the files of one that did.
        for name, text in files.items() if outcomes else ():
            scrubbed = text.replace(scratch.name, "redis")
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_text(re.sub(r"\b\d{12}\b", "111122223333", scrubbed))
    return int(any(said.startswith("fail") for said in outcomes.values()))


def main(arguments: Sequence[str]) -> int:
    """0 if nothing failed, 1 with the reason if something did, 130 after an interrupt."""
    parser = argparse.ArgumentParser(prog="prove-on-aws", description=__doc__)
    parser.add_argument("environment", help="its account and Region are used")
    parser.add_argument("--out", type=Path, help="folder for the two files: by default, this one")
    asked = parser.parse_args(arguments)
    return ended(
        lambda: _ask(asked.environment, asked.out),
        "prove-on-aws",
        interrupted="everything that was made is deleted.",
    )


def _ask(environment: str, out: Path | None) -> int:
    settings, endpoint = load(environment), os.environ.get("AWS_ENDPOINT_URL")
    if endpoint and out is None:
        raise Answer(
            "prove-on-aws: AWS_ENDPOINT_URL is set, so this would not be AWS. Unset it, or "
            "name a folder for the files: --out FOLDER."
        )
    account, region = settings.environment.account, settings.environment.region
    dollars = (node_type(NODE_TYPE).price("redis") or 0.0) * NODES * HOURS
    print(
        f"Makes a group of two {NODE_TYPE} and later one more node in {region} of account "
        f"{account}, proves {len(CHECKS)} lines and deletes everything.\n"
        f"Costs about ${dollars:.2f} at list price and takes up to {HOURS * 60:.0f} minutes."
    )
    if input("Type the account's number to begin: ").strip() != account:
        raise Answer(f"prove-on-aws: that is not {environment}'s account. Nothing was made.")
    where = f"Run against {endpoint}, which is not AWS," if endpoint else "Run on AWS"
    say = partial(print, flush=True)
    return run(session(settings), out or ROOT, say, where, 0.2 if endpoint else 15)


def _lags(scratch: Scratch) -> list[dict[str, Any]]:
    """The queries a1 and a2: the ReplicationLag of each node."""
    return [
        query(f"a{number}", of_node("ReplicationLag", f"{scratch.name}-00{number}", "Maximum"), 60)
        for number in (1, 2)
    ]


def _statement(action: str, resource: str, condition: dict[str, Any]) -> dict[str, Any]:
    given = {"Action": action, "Resource": resource, "Condition": condition}
    return {"Effect": "Allow", "Principal": "*", **given}


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
