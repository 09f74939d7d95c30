"""CloudWatch and SNS: alarms of metric math, deliveries that leave AWS, subscribed functions."""
# ruff: noqa: SLF001 - another package's private names are its matter

import json
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from ministack.core.responses import request_scope  # type: ignore[import-not-found]
from ministack.services import cloudwatch, lambda_svc, sns  # type: ignore[import-not-found]
from ministack.services.cloudformation import provisioners  # type: ignore[import-not-found]

from emulator.aws.patches.cloudformation import around
from emulator.aws.patches.instead import instead_of

Record = dict[str, Any]


def on_state_change(act: Callable[[Record, str, str, str], None]) -> None:
    """Run `act(alarm, old state, new state, reason)` instead of sending ministack's own message."""
    cloudwatch._dispatch_alarm_actions = act


_OF_A_SINGLE_METRIC = ("MetricName", "Namespace", "Statistic", "Period", "Dimensions")


def _of_queries(alarm: Record, queries: Any) -> Record:
    for single in _OF_A_SINGLE_METRIC:
        del alarm[single]
    alarm["Metrics"] = queries
    return alarm


@instead_of(provisioners, "_cw_metric_alarm_record")
def _record(record_of: Any, name: str, properties: Record) -> Record:
    queries = properties.get("Metrics")
    single = {"Metrics": None, "MetricName": "-", "Namespace": "-"} if queries else {}
    alarm: Record = record_of(name, properties | single)
    return _of_queries(alarm, queries) if queries else alarm


@instead_of(cloudwatch, "_put_metric_alarm")
def _put_alarm(put: Any, params: Record, data: Record, *protocol: Any, **others: Any) -> Any:
    answer = put(params, data, *protocol, **others)
    if queries := (data or {}).get("Metrics"):
        _of_queries(cloudwatch._alarms[data["AlarmName"]], queries)
    return answer


@instead_of(cloudwatch, "_record_history")
def _record_history(record: Any, name: str, old: str, new: str, *rest: Any, **more: Any) -> None:
    """An alarm's history begins with its creation, not with a change that changes nothing."""
    record(name, old, new, *rest, **more)
    item = cloudwatch._history_entries()[-1]
    if old == new:
        item["HistoryItemType"] = "ConfigurationUpdate"
        item["HistorySummary"] = f'Alarm "{name}" created'
        item["HistoryData"] = json.dumps({"version": "1.0", "type": "Create"})


_REFUSED = 400  # the first of the statuses by which a receiver refuses


def _post(deliver: Callable[[str, str, str], int], endpoint: str, body: str, kind: str) -> int:
    """A notification is counted as SNS counts it, in the metric of its topic."""
    status = deliver(endpoint, body, kind)
    if kind == "Notification":
        _, _, _, region, account, topic = json.loads(body)["TopicArn"].split(":")
        metric = f"NumberOfNotifications{'Failed' if status >= _REFUSED else 'Delivered'}"
        with request_scope(account, region):  # this thread begins outside of every account
            cloudwatch.record_metric("AWS/SNS", metric, 1, "Count", {"TopicName": topic})
    return status


@instead_of(sns, "_deliver_to_lambda")
def _to_function(
    _original: Any, endpoint: str, envelope: str, _topic: str, subscription: str, *_: Any
) -> None:
    """SNS invokes a function asynchronously: with two more attempts, and then its dead letters.

    ministack calls it once and forgets what it raised.
    """
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


def _keep_key(topic: str, properties: Record) -> None:
    """Keep the key of an encrypted topic: ministack's CloudFormation drops it."""
    sns._topics[topic]["attributes"]["KmsMasterKeyId"] = properties.get("KmsMasterKeyId", "")


@instead_of(sns, "_list_subscriptions_by_topic")
def _list_by_topic(listed: Any, params: Any) -> Any:
    """An unconfirmed subscription is listed without an ARN: ministack lists it with one."""
    status, headers, body = listed(params)
    topic = sns._topic_by_arn_any_scope(sns._p(params, "TopicArn")) or {}
    for subscription in topic.get("subscriptions", []):
        if not subscription["confirmed"]:
            body = body.replace(subscription["arn"].encode(), b"PendingConfirmation")
    return status, headers, body


def install(deliver: Callable[[str, str, str], int]) -> None:
    """Have `deliver` take what leaves AWS for HTTPS subscribers; keep alarms as CloudWatch does."""
    # ministack writes each delivery's address to its log: PagerDuty's holds the integration key.
    logging.getLogger("sns").setLevel(logging.ERROR)
    sns._http_post_sync = partial(_post, deliver)
    around("AWS::SNS::Topic", after=_keep_key)
    # States change by SetAlarmState only: ministack ignores dimensions.
    cloudwatch._evaluate_alarm = lambda _alarm: None
    # CloudWatch keeps figures of an hour for 455 days, ministack all for 14. It also goes through
    # every figure with each call: two thirds of the time of the alarms' scenario.
    cloudwatch._evict_old_metrics = lambda: None
