"""Runs a command or a function of ours on AWS's answers in their minimal form.

usage: python minimal.py FIELDS MODULE [ARGUMENT…]
       python minimal.py FIELDS function:NAME EVENT

FIELDS is a JSON file with the fields of each operation's answer that stay, beside those that
botocore's model requires. The working directory is the checkout, whose code runs.
"""

import importlib
import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.model import ListShape, MapShape, Shape, StructureShape

_PAGING = {"Marker", "NextToken", "nextToken", "NextContinuationToken", "IsTruncated"}


def main() -> None:
    """Reduce every answer from here on, and run."""
    fields, name, *arguments = sys.argv[1:]
    sampled: dict[str, list[str]] = json.loads(Path(fields).read_text())
    call = BaseClient._make_api_call  # noqa: SLF001 - the one place that every answer passes

    def reduced(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        answer = call(client, operation, parameters)
        model = client.meta.service_model
        paths = sampled.get(f"{model.service_name}:{operation}")
        shape = model.operation_model(operation).output_shape
        return answer if paths is None else minimal(shape, answer, {*paths})

    BaseClient._make_api_call = reduced  # noqa: SLF001
    sys.path.insert(0, str(Path.cwd()))
    if name.startswith("function:"):
        print(json.dumps(_function(name.partition(":")[2], json.loads(arguments[0])), default=str))
    else:
        sys.argv = [name, *arguments]
        runpy.run_module(name, run_name="__main__")


def minimal(shape: Shape | None, answer: Any, sampled: set[str], at: str = "") -> Any:
    """An answer without the fields whose paths are not among ``sampled``."""
    if isinstance(shape, ListShape):
        return [minimal(shape.member, each, sampled, f"{at}[]") for each in answer]
    if isinstance(shape, MapShape):
        return {
            key: minimal(shape.value, each, sampled, f"{at}{{}}") for key, each in answer.items()
        }
    if not isinstance(shape, StructureShape):
        return answer
    paths = {name: f"{at}.{name}".lstrip(".") for name in answer}
    always = {*shape.required_members, *_PAGING, *(answer.keys() - shape.members.keys())}
    return {
        name: minimal(shape.members.get(name), each, sampled, paths[name])
        for name, each in answer.items()
        if name in always or paths[name] in sampled
    }


def _function(name: str, event: Any) -> Any:
    """What a deployed function returns, run here with its settings."""
    configuration = boto3.client("lambda").get_function_configuration(FunctionName=name)
    variables = configuration["Environment"]["Variables"]
    # The embedded AWS is reached at one address, whatever an endpoint is called.
    os.environ.update({k: v for k, v in variables.items() if not k.startswith("AWS_")})
    module, _, function = configuration["Handler"].rpartition(".")
    return getattr(importlib.import_module(module), function)(event, None)


if __name__ == "__main__":
    main()
