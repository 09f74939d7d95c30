"""Findings of the security checks that stand, each with its reason in one line."""

from collections.abc import Mapping

import aws_cdk as cdk

from constructs import IConstruct

_PACKS = {"AwsSolutions": "AwsSolutions", "NIST": "NIST.800.53.R5", "PCI": "PCI.DSS.321"}


def acknowledge(construct: IConstruct, *rules: str, reason: str) -> None:
    """Let cdk-nag's ``rules`` pass here; a rule is written ``pack:name`` as in ``NIST:...``."""
    acknowledge_each(construct, dict.fromkeys(rules, reason))


def acknowledge_each(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """The same for rules that have each a reason of its own.

    Source: aws-cdk-lib's Validations.acknowledge; the ids are those that cdk-nag 3 prints.
    """
    cdk.Validations.of(construct).acknowledge(
        *(cdk.Acknowledgment(id=_full(rule), reason=reason) for rule, reason in reasons.items())
    )


def wildcard(resource: str) -> str:
    """The rule against a resource of a policy that holds a ``*``."""
    return f"AwsSolutions:IAM5[Resource::{resource}]"


def _full(rule: str) -> str:
    pack, name = rule.split(":", 1)
    if pack == "CloudFormation":  # the library's own validation
        return f"CloudFormation-Validate::{name}"
    return f"{_PACKS[pack]}::{_PACKS[pack]}-{name}"
