"""The tags that an environment puts on everything it deploys."""

import re
from collections import Counter
from typing import Annotated

from pydantic import AfterValidator

from environments.section import Refusal

# The environment's own name, by which delivery's role may read its secret (stacks/delivery.py),
# and the names of things.
OURS = ("environment", "name")

# Of a stack and of almost every resource (CloudFormation API reference, CreateStack, Tags; "Tag
# restrictions" in the EC2 user guide). CDK names a subnet and its kind in three, and the
# environment is the fourth.
_MOST_OF_A_RESOURCE = 50
MOST_TAGS = _MOST_OF_A_RESOURCE - 4

_TEXT = r"[A-Za-z0-9_ .:/=+\-@]"
_KEY = re.compile(f"{_TEXT}{{1,128}}")
_VALUE = re.compile(f"{_TEXT}{{1,256}}")  # one at least: CloudFormation's TagValue
NAME_TAG = rf"^{_TEXT}+$"  # of a setting that becomes the value of a Name tag


def _checked(tags: dict[str, str]) -> dict[str, str]:
    """Keys are compared as IAM does, which takes ``Owner`` and ``owner`` for one.

    Source: IAM user guide, "Tags for IAM resources"; aws/aws-cdk issue 26253.
    """
    if len(tags) > MOST_TAGS:
        raise Refusal(
            f"there are {len(tags)} tags. AWS takes {_MOST_OF_A_RESOURCE} per resource, and "
            f"subnets have four of their own. Write at most {MOST_TAGS} tags."
        )
    times = Counter(key.lower() for key in tags)
    for key, text in tags.items():
        lower = key.lower()
        if not _KEY.fullmatch(key) or lower.startswith("aws:") or not _VALUE.fullmatch(text):
            raise Refusal(
                f"tag {key!r} = {text!r} is malformed. Every service of AWS takes English letters, "
                "digits, spaces and _.:/=+-@, up to 128 of them in a key and 1 to 256 in a value, "
                "and AWS keeps keys that begin with aws: for itself. Write a shorter or simpler "
                "one."
            )
        if lower in OURS:
            raise Refusal(
                f"tag {key!r} is one that the deployment sets itself. Permissions rest on it, and "
                "AWS does not distinguish capitals in a tag's key everywhere. Leave it out, or "
                "write another key."
            )
        if times[lower] > 1:
            raise Refusal(
                f"tag {key!r} is listed twice, with different capitals. IAM takes the two for one "
                "and refuses the role. Leave one out."
            )
    return tags


Tags = Annotated[dict[str, str], AfterValidator(_checked)]
