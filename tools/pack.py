"""Packs each function's folder into a zip: the same bytes on every machine.

Nothing in it tells a time or an owner, and it is stored, not compressed: zlib's output differs from
one build of zlib to another, and CDK would then deploy a function whose code is the same.
"""

import sys
import zipfile
from pathlib import Path

READABLE_BY_ALL = 0o100644 << 16  # Lambda runs the code as a user of its own


def pack(folder: Path, archive: Path) -> None:
    """Write every file below ``folder`` to ``archive``, in the order of their names."""
    names = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    with zipfile.ZipFile(archive, "w") as package:
        for name, path in sorted(names.items()):
            if path.is_file():
                entry = zipfile.ZipInfo(name)
                entry.create_system = 3  # Unix, also where zipfile would say otherwise
                entry.external_attr = READABLE_BY_ALL
                package.writestr(entry, path.read_bytes())


if __name__ == "__main__":
    for function in [path for path in Path(sys.argv[1]).iterdir() if path.is_dir()]:
        pack(function, function.with_suffix(".zip"))
