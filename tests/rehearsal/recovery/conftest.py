"""A short proof on the deployed production, which is left as it was found."""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from rehearsal.common.rehearsal import Rehearsal
from rehearsal.recovery.steps import RecoveryProof

Broken = Callable[[str, str, str], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def proof(deployed: Rehearsal) -> RecoveryProof:
    """One whose data and first snapshot are there."""
    begun = RecoveryProof(keys=1000)
    begun.begin(deployed)
    return begun


@pytest.fixture
def broken(deployed: Rehearsal) -> Broken:
    """Deploys the functions with a piece of one of their files replaced, as long as this lasts."""
    package = deployed.checkout.folder / "build" / "functions" / "recovery"
    functions = [
        found["FunctionName"]
        for found in deployed.aws("lambda").list_functions()["Functions"]
        if "-recovery" in found["FunctionName"]
    ]

    def upload(changed: dict[str, str]) -> None:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            for path in sorted(package.rglob("*.py")):
                name = str(path.relative_to(package))
                zipped.writestr(name, changed.get(name) or path.read_bytes())
        lambda_ = deployed.aws("lambda")
        for function in functions:
            lambda_.update_function_code(FunctionName=function, ZipFile=archive.getvalue())
            lambda_.get_waiter("function_updated_v2").wait(
                FunctionName=function, WaiterConfig={"Delay": 1, "MaxAttempts": 180}
            )

    @contextmanager
    def change(file: str, old: str, new: str) -> Iterator[None]:
        text = (package / "recovery" / file).read_text()
        assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
        upload({f"recovery/{file}": text.replace(old, new)})
        try:
            yield
        finally:
            upload({})

    return change
