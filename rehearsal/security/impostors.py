"""The client package's connections: to the right server only, or the token goes to another."""

import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rehearsal.security import application
from rehearsal.security.impostor import Impostor, disguises
from rehearsal.security.outcome import BreachError
from rehearsal.security.target import Target

_HALVES = 2  # event loops and threads have connections of their own
_PROGRAM = (sys.executable, "-m", "rehearsal.security.impostor_client")


def refused(_target: Target, program: Sequence[str] = _PROGRAM) -> str:
    """A process of its own, which trusts one authority, logs in at impostors: none may hear it.

    `program` is called with the addresses, as host:port.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_ones:
        authority, worn = disguises(Path(folder))
        impostors = [(one, open_ones.enter_context(Impostor(one.context))) for one in worn]
        addresses = [str(impostor.address) for _, impostor in impostors]
        status, _ = application.run([*program, *addresses], authority)
        if status:
            raise BreachError("an impostor ended the application: the reason is above")
        for disguise, impostor in impostors:
            if impostor.met < _HALVES:
                raise BreachError(f"a client never came to the server with {disguise.words}")
            if disguise.good and len(impostor.heard) < _HALVES:
                raise BreachError("a client refuses a good certificate: this proves nothing")
            if not disguise.good and impostor.heard:
                raise BreachError(f"the client logs in at a server that shows {disguise.words}")
    kinds = ", ".join(disguise.words for disguise in worn if not disguise.good)
    return f"the client package meets {kinds}: no byte sent"
