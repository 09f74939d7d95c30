"""The stacks of an environment as they are deployed, asked of CloudFormation."""

import json
import re
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from environments.schema import Settings
from tools.assembly import Stack
from tools.impact.templates import ImpactError

Client = Callable[[str], Any]
# A stack that is on its way out, or never came to be, holds nothing to compare with.
_OF_ANOTHER_APP = "delivery"  # the workflows' roles: tools/delivery_app.py
_GONE = ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_COMPLETE")


def deployed(settings: Settings, client: Client) -> dict[str, Stack]:
    """Every deployed stack of the environment, by name; none before the first deployment.

    ``client`` makes a boto3 client of a service. Raises ImpactError where the credentials are of
    another account, since nothing that is deployed would then be found.
    """
    account = settings.environment.account
    try:
        asked = client("sts").get_caller_identity()["Account"]
        if asked != account:
            raise ImpactError(
                f"impact: the credentials are for account {asked}, and "
                f"{settings.environment.name} is in {account}. Nothing of it would be found "
                f"there: use credentials for {account}."
            )
        cloudformation = client("cloudformation")
        pages = cloudformation.get_paginator("describe_stacks").paginate()
        described = [one for page in pages for one in page["Stacks"]]
        return {
            one["StackName"]: _stack(cloudformation, settings, one)
            for one in described
            if re.fullmatch(rf"{re.escape(settings.prefix)}-\w+", one["StackName"])
            and one["StackName"] != f"{settings.prefix}-{_OF_ANOTHER_APP}"
            and one["StackStatus"] not in _GONE
        }
    except (BotoCoreError, ClientError) as failure:
        raise ImpactError(f"impact: AWS could not be asked what is deployed: {failure}") from None


def _stack(cloudformation: Any, settings: Settings, described: dict[str, Any]) -> Stack:
    name = described["StackName"]
    answer = cloudformation.get_template(StackName=name, TemplateStage="Processed")
    body = answer["TemplateBody"]  # boto3 reads JSON; CDK deploys nothing else
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            raise ImpactError(
                f"impact: {name} was deployed from YAML, not by this app. Compare it by hand."
            ) from None
    environment = settings.environment
    artifact = {
        "environment": f"aws://{environment.account}/{environment.region}",
        "properties": {
            "terminationProtection": described.get("EnableTerminationProtection", False),
            "tags": {one["Key"]: one["Value"] for one in described.get("Tags", [])},
        },
    }
    return Stack(name, json.loads(json.dumps(body)), artifact, [])
