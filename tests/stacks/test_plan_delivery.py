"""What a workflow may do in the account, and what it must not (§2.4)."""

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from environments.schema import Settings
from stacks.delivery import DeliveryStack
from tests.stacks.template import PREFIX, listed
from tests.support import Document
from tests.variants import changed
from tools.assembly import Stack, read

pytestmark = pytest.mark.plan("2.4")

REPOSITORY = "vibewell@1234/vibewell-redis@5678"
SUBJECT = "token.actions.githubusercontent.com:sub"


def delivery(
    document: Document, folder: Path, context: Document | None = None, **values: Any
) -> Stack:
    import cdk_nag  # a second that other tests need not wait

    table = {"repository": REPOSITORY, "approval": True, "own_identity_provider": True} | values
    settings = Settings.model_validate(changed(document, {"delivery": table}))
    assert settings.delivery
    app = cdk.App(analytics_reporting=False, context=context, outdir=str(folder))
    DeliveryStack(app, settings=settings, delivery=settings.delivery)
    cdk.Validations.of(app).add_plugins(
        cdk_nag.AwsSolutionsChecks(app),
        cdk_nag.NIST80053R5Checks(app),
        cdk_nag.PCIDSS321Checks(app),
    )
    app.synth()
    return read(folder)["vibewell-redis-production-delivery"]


def role(stack: Stack, name: str) -> Document:
    return stack.only("AWS::IAM::Role", RoleName=f"{PREFIX}-{name}")


def statements(stack: Stack, name: str) -> list[Document]:
    (policy,) = role(stack, name)["ManagedPolicyArns"]
    found: list[Document] = stack.resources[policy["Ref"]]["Properties"]["PolicyDocument"][
        "Statement"
    ]
    return found


def actions(stack: Stack, name: str) -> set[str]:
    return {action for one in statements(stack, name) for action in listed(one["Action"])}


def assumed(stack: Stack, name: str) -> set[str]:
    (found,) = (
        one["Resource"] for one in statements(stack, name) if one["Action"] == "sts:AssumeRole"
    )
    return {arn.split("hnb659fds-")[1].split("-role-")[0] for arn in found}


@pytest.fixture
def approved(document: Document, tmp_path: Path) -> Stack:
    return delivery(document, tmp_path)


@pytest.mark.parametrize(
    ("name", "environment"), [("plan", "production-plan"), ("deliver", "production")]
)
def test_only_one_repositorys_jobs_of_one_environment_take_a_role(
    approved: Stack, name: str, environment: str
) -> None:
    (trust,) = role(approved, name)["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            SUBJECT: f"repo:{REPOSITORY}:environment:{environment}",
        }
    }


def test_before_the_approval_nothing_can_be_executed(approved: Stack) -> None:
    may = actions(approved, "plan")
    assert "cloudformation:CreateChangeSet" in may
    assert not {action for action in may if "Execute" in action or "Update" in action}
    assert assumed(approved, "plan") == {"lookup", "file-publishing"}


def test_after_the_approval_only_what_was_prepared_can_be_executed(approved: Stack) -> None:
    may = actions(approved, "deliver")
    assert "cloudformation:ExecuteChangeSet" in may
    assert not may & {"sts:AssumeRole", "iam:PassRole", "cloudformation:CreateChangeSet"}


@pytest.mark.parametrize("name", ["plan", "deliver"])
def test_no_workflow_changes_the_stack_of_its_own_roles(approved: Stack, name: str) -> None:
    stack = "arn:aws:cloudformation:us-east-1:111122223333:stack/vibewell-redis-production-{}/id"
    reached = {
        (action, part)
        for one in statements(approved, name)
        for action in listed(one["Action"])
        for on in listed(one["Resource"])
        for part in ("data", "operations", "monitoring", "delivery")
        if action.startswith("cloudformation:") and fnmatchcase(stack.format(part), on)
    }
    assert {part for _, part in reached} == {"data", "operations", "monitoring"}


def test_an_environment_without_approval_is_deployed_at_once(
    document: Document, tmp_path: Path
) -> None:
    stack = delivery(document, tmp_path, approval=False)
    assert assumed(stack, "deliver") == {"deploy", "file-publishing", "lookup"}


def test_no_workflow_may_read_a_secret_or_do_what_a_pattern_names(approved: Stack) -> None:
    for name in ("plan", "deliver"):
        may = actions(approved, name)
        assert not {action for action in may if "*" in action or "GetSecretValue" in action}
        assert '"*"' not in json.dumps(statements(approved, name))


def test_the_guard_sees_the_labels_of_its_own_environments_token_only(
    approved: Stack, data: Stack
) -> None:
    (found,) = (
        one
        for one in statements(approved, "plan")
        if one["Action"] == "secretsmanager:DescribeSecret"
    )
    name, secret = data.one("AWS::SecretsManager::Secret")
    assert name.startswith(found["Resource"].rpartition(":")[2].removesuffix("*"))
    (environment,) = (tag["Value"] for tag in secret["Tags"] if tag["Key"] == "environment")
    assert found["Condition"] == {"StringEquals": {"aws:ResourceTag/environment": environment}}


def test_an_account_has_one_identity_provider(document: Document, tmp_path: Path) -> None:
    own = delivery(document, tmp_path / "own")
    (provider,) = own.of_type("AWS::IAM::OIDCProvider")
    for name in own.of_type("AWS::IAM::Role"):
        assert own.resources[name]["DependsOn"] == [provider]
    assert own.resources[provider]["DeletionPolicy"] == "RetainExceptOnCreate"
    shared = delivery(document, tmp_path / "shared", own_identity_provider=False)
    assert not shared.of_type("AWS::IAM::OIDCProvider")
    trust = json.dumps(role(shared, "plan")["AssumeRolePolicyDocument"])
    assert ":oidc-provider/token.actions.githubusercontent.com" in trust


def test_the_roles_name_the_qualifier_that_the_account_was_bootstrapped_with(
    tmp_path: Path, document: Document
) -> None:
    own = {"@aws-cdk/core:bootstrapQualifier": "platform"}
    stack = delivery(document, tmp_path, own, approval=False)
    said = json.dumps(stack.body["Resources"])
    assert "role/cdk-platform-deploy-role-" in said
    assert "cdk-platform-assets-" in said
    assert "hnb659fds" not in said
