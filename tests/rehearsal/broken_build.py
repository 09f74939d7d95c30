"""Functions of a build that is broken on purpose, deployed as long as a test needs them."""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rehearsal.common.rehearsal import Rehearsal

Broken = Callable[..., AbstractContextManager[None]]


def broken_build(deployed: Rehearsal, package: str, functions: list[str]) -> Broken:
    """Deploys these functions with pieces replaced: each is a file of the package, old and new."""
    folder = deployed.checkout.folder / "build" / "functions" / package

    def upload(changed: dict[str, str]) -> None:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            for path in sorted(folder.rglob("*.py")):
                name = str(path.relative_to(folder))
                zipped.writestr(name, changed.get(name) or path.read_bytes())
        lambda_ = deployed.aws("lambda")
        for function in functions:
            lambda_.update_function_code(FunctionName=function, ZipFile=archive.getvalue())
            lambda_.get_waiter("function_updated_v2").wait(
                FunctionName=function, WaiterConfig={"Delay": 1, "MaxAttempts": 180}
            )

    @contextmanager
    def change(*pieces: tuple[str, str, str]) -> Iterator[None]:
        texts: dict[str, str] = {}
        for file, old, new in pieces:
            text = texts.get(file) or (folder / file).read_text()
            assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
            texts[file] = text.replace(old, new)
        upload(texts)
        try:
            yield
        finally:
            upload({})

    return change
