"""An export that another stack imports neither changes nor goes (CloudFormation, Fn::ImportValue).

ministack lets an update do either, and refuses only to delete the stack: it would hide that AWS
fails such an update, after it has changed every resource (linz/geostore issue 630: 10 of 11).
"""
# ruff: noqa: SLF001 - another package's private names are its matter

from collections.abc import Iterator
from typing import Any

from ministack.services.cloudformation import (  # type: ignore[import-not-found]
    _exports,
    _stacks,
    handlers,
    stacks,
)

Record = dict[str, Any]


def _importers(export: str) -> Iterator[str]:
    for name, stack in _stacks.items():
        status = stack["StackStatus"]
        stands = status.endswith("_COMPLETE") and status not in (
            "DELETE_COMPLETE",
            "ROLLBACK_COMPLETE",
        )
        if stands and export in handlers._imported_export_names(stack, name):
            yield name


def _require_unused(export: str, value: str | None) -> None:
    """Raises ValueError in AWS's words.

    As users of AWS report them: aws-samples/generative-ai-use-cases issue 1232 and aws/aws-cdk
    issue 33395, both of 2025; earlier it was "Export X cannot be updated as it is in use by Y".
    """
    for importer in _importers(export):
        doing, verb = ("Delete", "delete") if value is None else ("Update", "update")
        raise ValueError(
            f"{doing} canceled. Cannot {verb} export {export} as it is in use by {importer}."
        )


def install() -> None:
    """Compare when the outputs are computed, all resources being done: where AWS fails too."""
    resolve = stacks._resolve_stack_outputs

    def resolve_unless_in_use(*of_stack: Any) -> tuple[list[Record], dict[str, Record]]:
        outputs, after = resolve(*of_stack)
        stack_id = of_stack[-1]
        before = {name: one for name, one in _exports.items() if one["StackId"] == stack_id}
        for name, export in before.items():
            value = after[name]["Value"] if name in after else None
            if value != export["Value"]:
                _require_unused(name, value)
        for gone in before.keys() - after.keys():
            _exports.pop(gone)
        return outputs, after

    stacks._resolve_stack_outputs = resolve_unless_in_use
