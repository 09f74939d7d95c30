"""Findings of the security checks that stand, each with its reason in one line."""

import aws_cdk as cdk

from constructs import IConstruct

_PACKS = {"AwsSolutions": "AwsSolutions", "NIST": "NIST.800.53.R5", "PCI": "PCI.DSS.321"}


def acknowledge(construct: IConstruct, *rules: str, reason: str) -> None:
    """Let cdk-nag's ``rules`` pass here; a rule is written ``pack:name`` as in ``NIST:...``.

    Source: aws-cdk-lib's Validations.acknowledge; the ids are those that cdk-nag 3 prints.
    """
    cdk.Validations.of(construct).acknowledge(
        *(cdk.Acknowledgment(id=_full(rule), reason=reason) for rule in rules)
    )


def _full(rule: str) -> str:
    pack, name = rule.split(":", 1)
    return f"{_PACKS[pack]}::{_PACKS[pack]}-{name}"
