"""An error of unknown kind: one line for the terminal, and a file to attach to a report."""

import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def reported(problem: BaseException, what: str, file: Path) -> str:
    """One line that begins with ``what``; ``file`` gets the kind of error and where it arose.

    The file has no value: neither of the settings nor of an answer, whose text may hold a secret.
    """
    frames = traceback.extract_tb(problem.__traceback__)
    ours = [frame for frame in frames if ROOT in Path(frame.filename).parents] or frames
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    file.write_text("\n".join([type(problem).__name__, *lines]))
    shown = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
    return (
        f"{what}: {type(problem).__name__} in {Path(ours[-1].filename).name}:{ours[-1].lineno}. "
        f"This is a fault of the project, not of your settings. Attach {shown} to a report: it "
        "holds no value of yours."
    )
