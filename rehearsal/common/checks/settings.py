"""What is published for the application under one SSM path."""

from rehearsal.common.checks.endpoints import published
from rehearsal.common.checks.expecting import expect, expect_that
from rehearsal.common.checks.logins import token
from rehearsal.common.deployed import resources
from rehearsal.common.rehearsal import Rehearsal


def check(rehearsal: Rehearsal) -> str:
    """REDIS_URL leads to the group, and no parameter holds the token."""
    asked = [found.physical_id for found in resources(rehearsal, "AWS::SSM::Parameter")]
    values = {
        name.rpartition("/")[2]: rehearsal.aws("ssm").get_parameter(Name=name)["Parameter"]["Value"]
        for name in asked
    }
    host, port = published(rehearsal)
    expect("REDIS_URL", values.get("REDIS_URL"), f"rediss://{host}:{port}")
    secret = token(rehearsal)
    for name, value in values.items():
        expect_that(secret not in value, f"parameter {name} holds the token")
    return f"{len(values)} parameters"
