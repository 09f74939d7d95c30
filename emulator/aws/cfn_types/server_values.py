"""AWS::SSM::Document and AWS::SSM::Association, refused where Systems Manager refuses them.

The embedded AWS has neither, and no servers: both are recorded. Sources: Systems Manager user
guide, "Schemas, features, and examples" and "Rate expressions for associations"; the values' own
rules are botocore's model of the calls.
"""

import json
import re
import uuid
from typing import Any, ClassVar

from emulator import model
from emulator.aws.cfn_types.base import Created, Namer, Properties, ResourceType

_FEWEST_MINUTES = 30
_MINUTES = {"minute": 1, "hour": 60, "day": 1440}
_PARAMETER = re.compile(r"\{\{(.*?)\}\}")

DOCUMENTS: dict[str, dict[str, Any]] = {}


class Document(ResourceType):
    """A Command document; its content stays until the stack is gone."""

    name = "AWS::SSM::Document"
    create_only = ("DocumentType", "Name")
    custom_name = "Name"

    def create(self, properties: Properties, named: Namer) -> Created:
        """`Ref` is the name; one that is taken is refused."""
        document = properties.get("Name") or named(max_len=128)
        if document in DOCUMENTS:
            raise ValueError(f"DocumentAlreadyExists: {document}")
        self._take(document, properties)
        return document, {}

    def update(self, physical_id: str, _old: Properties, new: Properties) -> Properties:
        """A new version, which is the default one; none where the content is what it was."""
        if DOCUMENTS.get(physical_id) == new["Content"]:
            return {}  # the rollback of an update that was refused
        if new.get("UpdateMethod") != "NewVersion":
            raise ValueError(f"UpdateMethod is Replace, and {physical_id} has a name of its own")
        self._take(physical_id, new)
        return {}

    def delete(self, physical_id: str, _properties: Properties) -> None:
        """Forgotten."""
        DOCUMENTS.pop(physical_id, None)

    @staticmethod
    def _take(document: str, properties: Properties) -> None:
        content = properties["Content"]
        named = ("DocumentType", "DocumentFormat", "TargetType")
        given = {name: properties[name] for name in named if name in properties}
        _validate("CreateDocument", given | {"Name": document, "Content": json.dumps(content)})
        if problem := _problem(content):
            raise ValueError(f"InvalidDocumentContent: {problem}")
        DOCUMENTS[document] = content


class Association(ResourceType):
    """An association of State Manager; no server is there to run it."""

    name = "AWS::SSM::Association"
    create_only: ClassVar[tuple[str, ...]] = ("InstanceId",)

    def create(self, properties: Properties, _named: Namer) -> Created:
        """`Ref` is the association's id."""
        association = str(uuid.uuid4())
        return association, self.update(association, {}, properties)

    def update(self, physical_id: str, _old: Properties, new: Properties) -> Properties:
        """Everything changes in place."""
        _validate("CreateAssociation", new)
        document = DOCUMENTS.get(new["Name"])
        if document is None:
            raise ValueError(f"InvalidDocument: there is no document {new['Name']}")
        for name, values in new.get("Parameters", {}).items():
            declared = document["parameters"].get(name)
            if declared is None or not set(values) <= set(declared.get("allowedValues", values)):
                raise ValueError(f"InvalidParameters: {name} = {values}")
        rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", new.get("ScheduleExpression", ""))
        if rate and int(rate[1]) * _MINUTES[rate[2]] < _FEWEST_MINUTES:
            raise ValueError("InvalidSchedule: an association runs every 30 minutes at most")
        return {"AssociationId": physical_id}

    def delete(self, _physical_id: str, _properties: Properties) -> None:
        """Nothing is left of it."""


def _problem(content: Any) -> str | None:
    if content.get("schemaVersion") != "2.2" or not content.get("mainSteps"):
        return "a Command document has schemaVersion 2.2 and mainSteps"
    parameters = content.get("parameters", {})
    for name, parameter in parameters.items():
        allowed = parameter.get("allowedValues", [parameter.get("default")])
        if parameter.get("default") not in allowed:
            return f"the default of {name} is not among its allowedValues"
    for used in _PARAMETER.findall(json.dumps(content["mainSteps"])):
        if used.strip() not in parameters:
            return f"{{{{{used}}}}} is no parameter"
    for step in content["mainSteps"]:
        if not re.fullmatch(r"[a-zA-Z0-9]+", step["name"]):
            return f"a step is called {step['name']}"
    return None


def _validate(operation: str, parameters: dict[str, Any]) -> None:
    """Hold values against botocore's model. Raises MalformedError."""
    model.check(model.service("ssm").operation_model(operation).input_shape, parameters)
