"""AWS::Scheduler::Schedule with every property: ministack's own drops the time zone and others."""

from typing import Any

from emulator.aws.cfn_types.base import Created, Namer, Properties, ResourceType, unless_gone
from emulator.aws.clients import client


class Schedule(ResourceType):
    """A schedule of EventBridge Scheduler."""

    name = "AWS::Scheduler::Schedule"
    create_only = ("Name", "GroupName")
    custom_name = "Name"

    def create(self, properties: Properties, named: Namer) -> Created:
        """`Ref` is the name; Scheduler refuses one that is taken."""
        schedule = properties.get("Name") or named(max_len=64)
        answer = client("scheduler").create_schedule(Name=schedule, **_rest(properties))
        return schedule, {"Arn": answer["ScheduleArn"]}

    def update(self, physical_id: str, _old: Properties, new: Properties) -> Properties:
        """UpdateSchedule replaces everything that it is not given."""
        answer = client("scheduler").update_schedule(Name=physical_id, **_rest(new))
        return {"Arn": answer["ScheduleArn"]}

    def delete(self, physical_id: str, properties: Properties) -> None:
        """One that is gone already is no error."""
        group = {"GroupName": properties["GroupName"]} if "GroupName" in properties else {}
        unless_gone(client("scheduler").delete_schedule, Name=physical_id, **group)


def _rest(properties: Properties) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if key != "Name"}
