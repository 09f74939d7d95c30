"""An output that another stack imports stays as it is, as on AWS."""

import uuid
from typing import Any

from rehearsal.common.rehearsal import Clients
from tests.emulator.aws.helpers import Stacks, resource


def parameter(value: object, **more: str) -> dict[str, Any]:
    return resource("SSM::Parameter", Type="String", Value=value, **more)


def test_an_export_changes_and_goes_only_while_no_stack_imports_it(
    aws: Clients, stacks: Stacks
) -> None:
    export = f"export-{uuid.uuid4().hex[:8]}"
    outputs: dict[str, Any] = {
        "Outputs": {"One": {"Value": {"Fn::GetAtt": ["Kept", "Value"]}, "Export": {"Name": export}}}
    }

    def resources(value: str) -> dict[str, Any]:
        return {"Kept": parameter(value, Name=f"/test/{export}")}

    def state() -> tuple[str, str | None]:
        kept = aws("ssm").get_parameter(Name=f"/test/{export}")["Parameter"]["Value"]
        found = aws("cloudformation").list_exports()["Exports"]
        return kept, {one["Name"]: one["Value"] for one in found}.get(export)

    exporter = stacks.create(resources("one"), **outputs)
    importer = stacks.create({"Copy": parameter({"Fn::ImportValue": export})})
    for does, left in (("update", outputs), ("delete", {})):
        assert stacks.update(exporter, resources("two"), **left) == "UPDATE_ROLLBACK_COMPLETE"
        reasons = stacks.reasons(exporter)
        assert f"Cannot {does} export {export} as it is in use by {importer}." in reasons
        assert state() == ("one", "one")
    events = aws("cloudformation").describe_stack_events(StackName=exporter)["StackEvents"]
    order = [(one["LogicalResourceId"], one["ResourceStatus"]) for one in reversed(events)]
    assert order.index(("Kept", "UPDATE_COMPLETE")) < order.index((exporter, "UPDATE_FAILED"))
    stacks.delete(importer)
    assert stacks.update(exporter, resources("two"), **outputs) == "UPDATE_COMPLETE"
    assert state() == ("two", "two")
    assert stacks.update(exporter, resources("two")) == "UPDATE_COMPLETE"
    assert state() == ("two", None)
