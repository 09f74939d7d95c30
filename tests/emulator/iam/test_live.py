"""What the deployed functions really did is recorded, and judged by the templates."""

import json

import pytest

from emulator.clean_environment import ACCOUNT, REGION
from emulator.iam.template import Deployment
from rehearsal.common.errors import RehearsalError
from rehearsal.common.functions import check_health
from rehearsal.common.rehearsal import Rehearsal, resources
from rehearsal.common.steps import as_deployed, judge_deployment


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        ('"elasticache:DescribeUsers"', '"none:None"', "needs elasticache:DescribeUsers on"),
        ("AWS::EC2::SecurityGroupIngress", "AWS::EC2::Nothing", "cannot reach"),
        ('"AWS_ENDPOINT_URL_SECRETS_MANAGER"', '"OTHER"', "cannot reach secretsmanager"),
    ],
)
def test_the_rehearsal_fails_with_one_thing_removed(
    deployed: Rehearsal, before: str, now: str, reason: str
) -> None:
    check_health(deployed)
    _, context = as_deployed(deployed)
    templates = json.dumps({name: deployed.cdk.template(name) for name in deployed.cdk.stacks})
    assert before in templates
    ids = {
        (resource.stack, resource.logical_id): resource.physical_id
        for resource in resources(deployed)
    }
    changed = Deployment(
        json.loads(templates.replace(before, now)),
        account=ACCOUNT,
        region=REGION,
        physical_ids=ids,
    )
    with pytest.raises(RehearsalError, match=f"AWS would refuse this(.|\\n)*{reason}"):
        judge_deployment(deployed, changed, context, since=0)
