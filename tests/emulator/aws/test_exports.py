"""An output that another stack imports stays as it is, as on AWS."""

import uuid
from typing import Any

import pytest

from rehearsal.common.rehearsal import Clients
from tests.emulator.aws.helpers import Stacks, resource


def parameter(value: object, **more: str) -> dict[str, Any]:
    return resource("SSM::Parameter", Type="String", Value=value, **more)


class Pair:
    """A stack with one SSM parameter, exported, and a stack that may import it."""

    def __init__(self, aws: Clients, stacks: Stacks) -> None:
        self.export = f"export-{uuid.uuid4().hex[:8]}"
        self._aws, self._stacks = aws, stacks
        self.exporter = stacks.create(self.resources("one"), **self.outputs())

    def resources(self, value: str) -> dict[str, Any]:
        return {"Kept": parameter(value, Name=f"/test/{self.export}")}

    def outputs(self) -> dict[str, Any]:
        value = {"Fn::GetAtt": ["Kept", "Value"]}
        return {"Outputs": {"Told": {"Value": value, "Export": {"Name": self.export}}}}

    def imported(self) -> str:
        return self._stacks.create({"Copy": parameter({"Fn::ImportValue": self.export})})

    def update(self, value: str, *, exported: bool = True) -> str:
        outputs = self.outputs() if exported else {}
        return self._stacks.update(self.exporter, self.resources(value), **outputs)

    @property
    def kept(self) -> str:
        answer = self._aws("ssm").get_parameter(Name=f"/test/{self.export}")
        return str(answer["Parameter"]["Value"])

    @property
    def exports(self) -> dict[str, str]:
        found = self._aws("cloudformation").list_exports()["Exports"]
        return {one["Name"]: one["Value"] for one in found}


@pytest.fixture
def pair(aws: Clients, stacks: Stacks) -> Pair:
    return Pair(aws, stacks)


@pytest.mark.parametrize(
    ("exported", "does"), [(True, "update"), (False, "delete")], ids=["changes", "removes"]
)
def test_an_update_that_changes_or_removes_an_export_in_use_is_rolled_back(
    pair: Pair, stacks: Stacks, does: str, *, exported: bool
) -> None:
    importer = pair.imported()
    assert pair.update("two", exported=exported) == "UPDATE_ROLLBACK_COMPLETE"
    said = f"Cannot {does} export {pair.export} as it is in use by {importer}."
    assert said in stacks.reasons(pair.exporter)
    assert pair.kept == pair.exports[pair.export] == "one"


def test_it_fails_when_every_resource_is_done(pair: Pair, aws: Clients) -> None:
    pair.imported()
    pair.update("two")
    events = aws("cloudformation").describe_stack_events(StackName=pair.exporter)["StackEvents"]
    told = [(one["LogicalResourceId"], one["ResourceStatus"]) for one in reversed(events)]
    done, failed = ("Kept", "UPDATE_COMPLETE"), (pair.exporter, "UPDATE_FAILED")
    assert told.index(done) < told.index(failed)


def test_an_export_that_nothing_imports_any_more_changes_and_goes(
    pair: Pair, stacks: Stacks
) -> None:
    stacks.delete(pair.imported())
    assert pair.update("two") == "UPDATE_COMPLETE"
    assert pair.exports[pair.export] == "two"
    assert pair.update("two", exported=False) == "UPDATE_COMPLETE"
    assert pair.export not in pair.exports
