"""The account before our stacks: bootstrapped, with a network and a secret of its owner's."""

from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.surroundings import make_secret, make_surroundings


def bootstrap(rehearsal: Rehearsal) -> str:
    """`cdk bootstrap`, as every account needs it once."""
    rehearsal.cdk.bootstrap(rehearsal.folder / "no-app")
    return ""


def surroundings(rehearsal: Rehearsal) -> str:
    """Copy the checkout, and make what its settings expect to find."""
    rehearsal.checkout.make()
    make_secret(rehearsal.aws)
    vpc = rehearsal.checkout.settings["network"]["vpc"]
    made = "a secret; the deployment makes the network"
    if vpc["kind"] != "own":
        found = make_surroundings(
            rehearsal.aws,
            vpc_name=vpc["vpc_name"],
            application_group=vpc["application_security_group_name"],
            isolated=vpc["subnets"] == "isolated",
        )
        made = f"{vpc['vpc_name']} is {found}"
    groups = rehearsal.aws("ec2").describe_security_groups()["SecurityGroups"]
    rehearsal.neighbours = [group["GroupId"] for group in groups]
    return "; ".join([made, *rehearsal.checkout.instead])
