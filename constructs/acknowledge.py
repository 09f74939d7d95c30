"""Findings of the security checks that stand, each with its reason in one line."""

import aws_cdk as cdk

from constructs import IConstruct

_PACKS = {"AwsSolutions": "AwsSolutions", "NIST": "NIST.800.53.R5", "PCI": "PCI.DSS.321"}


def acknowledge(construct: IConstruct, *rules: str, reason: str) -> None:
    """Let cdk-nag's ``rules`` pass here; a rule is written ``pack:name`` as in ``NIST:...``.

    Source: aws-cdk-lib's Validations.acknowledge; the ids are those that cdk-nag 3 prints.
    """
    for rule in rules:
        pack, name = rule.split(":", 1)
        full = _PACKS[pack]
        cdk.Validations.of(construct).acknowledge(
            cdk.Acknowledgment(id=f"{full}::{full}-{name}", reason=reason)
        )
