"""Functions with a piece of one of their files replaced, as long as a test needs them so."""

import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from rehearsal.common.rehearsal import Rehearsal

Piece = tuple[str, str, str]  # a file of the package, the old text, the new


def breaking(
    deployed: Rehearsal, package_name: str, functions: Sequence[str]
) -> Callable[..., AbstractContextManager[None]]:
    """Takes pieces; deploys the functions of that package with them, and then as they were."""
    package = deployed.checkout.folder / "build" / "functions" / package_name

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
    def change(*pieces: Piece) -> Iterator[None]:
        texts: dict[str, str] = {}
        for file, old, new in pieces:
            text = texts.get(file) or (package / file).read_text()
            assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
            texts[file] = text.replace(old, new)
        upload(texts)
        try:
            yield
        finally:
            upload({})

    return change
