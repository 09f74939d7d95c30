"""Every place where the embedded AWS is changed behind its public surface, and nothing else.

Written against one version of ministack: `require_version` refuses any other, because private
names move without notice. What can be done over the AWS API, or through ministack's table of
services, is done there and not here.
"""
# ruff: noqa: SLF001 - the one file whose matter are another package's private names

import contextvars
import fnmatch
import hashlib
import json
import logging
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Any

from ministack.core import lambda_runtime  # type: ignore[import-not-found]
from ministack.services import (  # type: ignore[import-not-found]
    cloudwatch,
    ec2,
    eventbridge,
    lambda_svc,
    scheduler,
    secretsmanager,
    sns,
    sts,
)
from ministack.services.cloudformation import _stacks, drift, provisioners, stacks  # type: ignore[import-not-found]

from rehearsal.aws.clients import client

MINISTACK = "1.5.33"

Record = dict[str, Any]


def require_version() -> None:
    """Refuse to start on a ministack that these patches were not written for (SystemExit)."""
    found = version("ministack")
    if found != MINISTACK:
        raise SystemExit(
            f"rehearsal: ministack {found} is installed and rehearsal/aws/patches.py is written "
            f"for {MINISTACK}: run 'make setup-rehearsal', or read the patches again for {found}"
        )


def resource_name(stack_name: str, logical_id: str, *, max_len: int = 128, **style: bool) -> str:
    """A generated physical name as CloudFormation makes one: fresh with each creation of a stack.

    ministack derives it from the stack's name alone, so what an earlier stack of that name
    retained would collide with the next one's, which on AWS it does not.
    """
    seed = provisioners._NAME_SEED.get() if style.get("seeded", True) else ""
    born = _stacks[stack_name]["StackId"]
    suffix = hashlib.sha256(f"{born}:{logical_id}:{seed}".encode()).hexdigest()[:12]
    name = f"{f'{stack_name}-{logical_id}-'[: max_len - len(suffix)]}{suffix.upper()}"
    return name.lower() if style.get("lowercase") else name


def register(
    resource_type: str,
    handler: dict[str, Any],
    *,
    create_only: tuple[str, ...],
    custom_name: str | None,
) -> None:
    """Make CloudFormation deploy a type through our handler.

    `create_only` names the properties whose change replaces the resource; `custom_name` the one
    that, unchanged, makes CloudFormation refuse such a replacement.
    """
    provisioners._RESOURCE_HANDLERS[resource_type] = handler
    provisioners._REPLACING_PROPERTIES[resource_type] = create_only
    provisioners._CUSTOM_NAME_REPLACEMENT.pop(resource_type, None)
    if custom_name:
        provisioners._CUSTOM_NAME_REPLACEMENT[resource_type] = {"name": custom_name}
    _ON_A_THREAD.add(resource_type)


def before_create(resource_type: str, check: Callable[[Record], None]) -> None:
    """Run `check` with the properties before ministack's own handler creates the resource."""
    handler = provisioners._RESOURCE_HANDLERS[resource_type]
    create = handler["create"]

    def checked(logical_id: str, properties: Record, stack_name: str) -> Any:
        check(properties)
        return create(logical_id, properties, stack_name)

    provisioners._RESOURCE_HANDLERS[resource_type] = {**handler, "create": checked}
    _ON_A_THREAD.add(resource_type)


# Handlers that call the embedded AWS over its API wait for the loop that would answer them.
_ON_A_THREAD: set[str] = set()


def _patch_threads() -> None:
    blocking = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda kind: kind in _ON_A_THREAD or blocking(kind)


_SNAPSHOT_FIRST: contextvars.ContextVar[bool] = contextvars.ContextVar(
    "snapshot_first", default=False
)


def _patch_snapshot_on_replacement() -> None:
    """`UpdateReplacePolicy: Snapshot`: ministack deletes the old resource without a snapshot."""
    policy_of, delete = stacks._resource_policy, stacks._delete_resource

    def policy(res_def: Record, attribute: str, *rest: Any) -> str:
        value: str = policy_of(res_def, attribute, *rest)
        _SNAPSHOT_FIRST.set(attribute == "UpdateReplacePolicy" and value == "Snapshot")
        return value

    def delete_resource(kind: str, physical_id: str, properties: Record, *rest: Any) -> None:
        if _SNAPSHOT_FIRST.get():
            provisioners._snapshot_resource(kind, physical_id, properties)
        delete(kind, physical_id, properties, *rest)

    stacks._resource_policy = policy
    stacks._delete_resource = delete_resource


def _patch_outbound(deliver: Callable[[str, str, str], int]) -> None:
    """What SNS would send over the internet goes to `deliver(endpoint, body, type)` instead."""
    sns._http_post_sync = deliver


def _patch_functions_of_topics() -> None:
    """SNS invokes a function asynchronously: with two more attempts, and then its dead letters.

    ministack calls it once and forgets what it raised.
    """

    def deliver(endpoint: str, envelope: str, _topic: str, subscription: str, *_: Any) -> None:
        function, config, _name = lambda_svc._get_func_record_for_ref(endpoint)
        if not function or not config:
            return
        record = {
            "EventVersion": "1.0",
            "EventSubscriptionArn": subscription,
            "EventSource": "aws:sns",
            "Sns": json.loads(envelope),
        }
        lambda_svc.invoke_async_with_retry(function, {"Records": [record]})

    sns._deliver_to_lambda = deliver


def _patch_dead_letters() -> None:
    """Keep a function's queue, and send the event itself there, as a dead letter is on AWS.

    ministack's CloudFormation drops the property, and its envelope is that of a destination.
    """
    handler = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    create, update, route = handler["create"], handler["update"], lambda_svc._route_async_failure

    def keep(made: Any, properties: Record) -> Any:
        config = lambda_svc._functions[made[0]]["config"]
        config["DeadLetterConfig"] = properties.get("DeadLetterConfig", {})
        return made

    def send(target: str, function: str, event: Record, result: Record) -> None:
        config = lambda_svc._functions[function]["config"]
        if config.get("DeadLetterConfig", {}).get("TargetArn") != target:
            route(target, function, event, result)
            return
        queue = client("sqs").get_queue_url(QueueName=target.rpartition(":")[2])["QueueUrl"]
        client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(event))

    handler["create"] = lambda logical_id, properties, stack: keep(
        create(logical_id, properties, stack), properties
    )
    handler["update"] = lambda physical_id, old, new, *rest, **more: keep(
        update(physical_id, old, new, *rest, **more), new
    )
    lambda_svc._route_async_failure = send


def drift_reader(
    resource_type: str,
    read: Callable[[str, Record], Record | None],
    covered: Iterable[str],
) -> None:
    """Let drift detection check a type: `read` gives the `covered` properties, None when gone."""
    drift._DRIFT_READERS[resource_type] = (read, frozenset(covered))


_OF_A_SINGLE_METRIC = ("MetricName", "Namespace", "Statistic", "Period", "Dimensions")


def _leave_it(_alarm: Record) -> None:
    """Alarms change their state by SetAlarmState only."""


def _patch_alarms() -> None:
    """Keep metric math, and leave the evaluation to the rehearsal: ministack ignores dimensions."""
    record_of = provisioners._cw_metric_alarm_record

    def record(name: str, properties: Record) -> Record:
        queries = properties.get("Metrics")
        if not queries:
            alarm: Record = record_of(name, properties)
            return alarm
        alarm = record_of(
            name, {**properties, "Metrics": None, "MetricName": "-", "Namespace": "-"}
        )
        for single in _OF_A_SINGLE_METRIC:
            del alarm[single]
        return {**alarm, "Metrics": queries}

    put = cloudwatch._put_metric_alarm

    def put_whole(params: Record, data: Record, *protocol: Any, **others: Any) -> Any:
        answer = put(params, data, *protocol, **others)
        queries = (data or {}).get("Metrics")
        if queries:
            alarm = cloudwatch._alarms[data["AlarmName"]]
            for single in _OF_A_SINGLE_METRIC:
                del alarm[single]
            alarm["Metrics"] = queries
        return answer

    cloudwatch._put_metric_alarm = put_whole
    provisioners._cw_metric_alarm_record = record
    cloudwatch._evaluate_alarm = _leave_it


def _patch_metrics() -> None:
    """Keep figures as long as CloudWatch does those of an hour: ministack drops them in 14 days."""
    cloudwatch.TWO_WEEKS_SECONDS = 455 * 24 * 3600


def _patch_alarm_history() -> None:
    """An alarm's history begins with its creation, not with a change that changes nothing."""
    record = cloudwatch._record_history

    def recorded(name: str, old: str, new: str, *rest: Any, **more: Any) -> None:
        record(name, old, new, *rest, **more)
        item = cloudwatch._history_entries()[-1]
        if old == new:
            item["HistoryItemType"] = "ConfigurationUpdate"
            item["HistorySummary"] = f'Alarm "{name}" created'
            item["HistoryData"] = json.dumps({"version": "1.0", "type": "Create"})

    cloudwatch._record_history = recorded


def _patch_topics() -> None:
    """Keep the key of an encrypted topic: ministack's CloudFormation drops it."""
    handler = provisioners._RESOURCE_HANDLERS["AWS::SNS::Topic"]
    create, update = handler["create"], handler["update"]

    def keep_key(made: Any, properties: Record) -> Any:
        attributes = sns._topics[made[0]]["attributes"]
        attributes["KmsMasterKeyId"] = properties.get("KmsMasterKeyId", "")
        return made

    handler["create"] = lambda logical_id, properties, stack: keep_key(
        create(logical_id, properties, stack), properties
    )
    handler["update"] = lambda physical_id, old, new, *rest, **more: keep_key(
        update(physical_id, old, new, *rest, **more), new
    )


def _patch_pending_subscriptions() -> None:
    """A subscription that nobody confirmed is listed without an ARN: ministack tells it at once."""
    listed = sns._list_subscriptions_by_topic

    def list_by_topic(params: Any) -> Any:
        status, headers, body = listed(params)
        topic = sns._topic_by_arn_any_scope(sns._p(params, "TopicArn")) or {}
        for subscription in topic.get("subscriptions", []):
            if not subscription["confirmed"]:
                body = body.replace(subscription["arn"].encode(), b"PendingConfirmation")
        return status, headers, body

    sns._list_subscriptions_by_topic = list_by_topic


def on_state_change(act: Callable[[Record, str, str, str], None]) -> None:
    """Run `act(alarm, old state, new state, reason)` instead of sending ministack's own message."""
    cloudwatch._dispatch_alarm_actions = act


def _patch_names_of_security_groups() -> None:
    """A filter takes * in a group's name, as EC2's do: ministack compares it as it stands."""
    parse = ec2._parse_filters

    def filters(params: Any) -> Any:
        found = parse(params)
        for pattern in found.get("group-name", []):
            names = [group["GroupName"] for group in ec2._security_groups.values()]
            found["group-name"] = [*found["group-name"], *fnmatch.filter(names, pattern)]
        return found

    ec2._parse_filters = filters


def _patch_identity_of_functions() -> None:
    """Give each function keys of its own: a call then tells which function made it, in what role.

    ministack does so when it checks permissions, and else hands out the account's own keys.
    """

    def credentials(config: Record) -> dict[str, str]:
        function, role = str(config["FunctionArn"]), str(config["Role"])
        digest = hashlib.sha256(f"{function}:{role}".encode()).hexdigest()
        key = f"ASIA{digest[:16].upper()}"
        FUNCTION_OF_KEY[key] = {"function": function, "role": role}
        session = f"assumed-role/{role.rpartition('/')[2]}/{config['FunctionName']}"
        account = function.split(":")[4]
        sts.register_session(
            key,
            {
                "Arn": f"arn:aws:sts::{account}:{session}",
                "UserId": session,
                "SecretAccessKey": "rehearsal",
                "SessionToken": digest,
            },
        )
        return {
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": "rehearsal",
            "AWS_SESSION_TOKEN": digest,
        }

    lambda_runtime.execution_credentials = credentials
    lambda_svc.execution_credentials = credentials


def _patch_types_of_errors() -> None:
    """A function's failure carries its exception's class, as AWS says it and Retry and Catch read.

    ministack calls every one Runtime.HandlerError; the class stands in the last line of the trace.
    """
    execute = lambda_svc._execute_function_warm

    def typed(function: Record, event: Any, request_id: str) -> Record:
        result: Record = execute(function, event, request_id)
        body = result.get("body")
        if result.get("error") and body and body.get("errorType") == "Runtime.HandlerError":
            first = str(body["errorMessage"]).partition("\n")[0]
            for line in str(result.get("log", "")).splitlines():
                name, separator, message = line.partition(": ")
                if separator and message == first and name.replace(".", "").isidentifier():
                    body["errorType"] = name.rpartition(".")[2]
        return result

    lambda_svc._execute_function_warm = typed


def _patch_drift_of_secrets() -> None:
    """A secret's `Ref` is its ARN, as in AWS: ministack would look for it by name and miss it."""
    kind = "AWS::SecretsManager::Secret"
    read, compared = drift._DRIFT_READERS[kind]

    def by_arn(physical_id: str, properties: Record) -> Record | None:
        name, _ = secretsmanager._resolve(physical_id)
        found: Record | None = read(name, properties)
        return found

    drift._DRIFT_READERS[kind] = (by_arn, compared)


# What a request's access key says of the function that made it: its ARN and its role's.
FUNCTION_OF_KEY: dict[str, dict[str, str]] = {}


def _patch_schedules() -> None:
    """No schedule fires by the clock: ministack's reads no time zone, and a test fires by hand."""
    scheduler.start_scheduler = lambda: None


def emit(source: str, kind: str, detail: str) -> None:
    """An event as a service of AWS sends it; from anybody else PutEvents refuses its source."""
    entry = {"Source": source, "DetailType": kind, "Detail": detail}
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def secret_record(secret_id: str) -> Record | None:
    """The stored secret behind a name or ARN, to be changed in place; None when there is none."""
    _, secret = secretsmanager._resolve(secret_id)
    found: Record | None = secret
    return found


def install(deliver: Callable[[str, str, str], int]) -> None:
    """Apply every patch; `deliver` takes what leaves AWS for an HTTPS subscriber."""
    require_version()
    # ministack writes each delivery's address to its log: PagerDuty's holds the integration key.
    logging.getLogger("sns").setLevel(logging.ERROR)
    provisioners._physical_name = resource_name
    _patch_threads()
    _patch_snapshot_on_replacement()
    _patch_outbound(deliver)
    _patch_functions_of_topics()
    _patch_dead_letters()
    _patch_alarms()
    _patch_alarm_history()
    _patch_metrics()
    _patch_topics()
    _patch_pending_subscriptions()
    _patch_names_of_security_groups()
    _patch_identity_of_functions()
    _patch_types_of_errors()
    _patch_schedules()
    _patch_drift_of_secrets()
