"""The four steps as Secrets Manager calls them: each may run any number of times, in any order.

A step does what is left to do and returns, or changes nothing more and raises the reason. None of
them waits. Each takes the id of the version that is to become AWSCURRENT, which Secrets Manager
calls ClientRequestToken. WrongVersionError: it is not AWSPENDING.
"""

from rotation.convergence import Tools, View, converge, look
from shared.auth_token import new_text
from shared.errors import NotYetError, WrongVersionError
from shared.user import ACTIVE, UserState
from shared.versions import CURRENT, PENDING, PREVIOUS, Versions


def create_secret(tools: Tools, version: str) -> None:
    """Give the version a token, if it has none.

    Raises NotYetError while the token before AWSCURRENT's is not retired: three do not fit.
    """
    found = _pending(tools, version)
    if found is None:
        return
    if not found.retired(tools.clock(), tools.retire_after):
        raise NotYetError("the token before AWSCURRENT's is not retired yet")
    if tools.secret.find_token(version) is None:
        tools.secret.put(version, new_text())


def set_secret(tools: Tools, version: str) -> None:
    """Have the user accept the version's token too: starts it. Raises what ``converge`` raises."""
    if found := _pending(tools, version):
        converge(tools, look(tools, found), tools.user.describe())


def test_secret(tools: Tools, version: str) -> None:
    """Log in at every node with the version's token. Raises what ``View.prove`` raises.

    At a deployment Secrets Manager calls this alone, on a version without a token of its own: then
    it is AWSCURRENT's that every node must accept.
    """
    found = _pending(tools, version)
    view = look(tools, found or tools.secret.versions())
    view.prove((found and view.values[PENDING]) or view.values[CURRENT])


def finish_secret(tools: Tools, version: str) -> None:
    """Move AWSCURRENT to the version. Raises what ``finish`` raises."""
    if found := _pending(tools, version):
        finish(tools, look(tools, found), tools.user.describe())


def finish(tools: Tools, view: View, user: UserState) -> None:
    """Move AWSCURRENT to AWSPENDING's version, if its token was accepted at every node.

    Then writes down when: never too early, for the old token is retired some time later.
    Raises NotYetError while a node refuses it or the user is being changed, and for a version
    without a token of its own.
    """
    found, version, token = view.found, view.found.by_label[PENDING], view.values[PENDING]
    if token not in view.wanted[1:]:
        raise NotYetError(f"version {version} has no token that the user is to have now")
    view.prove(token)
    if user.status != ACTIVE:
        raise NotYetError(f"the user is {user.status}: its passwords may be about to change")
    tools.secret.move(CURRENT, origin=found.current, to=version)
    moved = Versions({CURRENT: version, PREVIOUS: found.current}, {})
    tools.secret.tag(moved.since(tools.clock()))


def _pending(tools: Tools, version: str) -> Versions | None:
    """Labels and tags as they are now; None if the version is AWSCURRENT: all is done."""
    found = tools.secret.versions()
    if version == found.current:
        return None
    if version != found.pending:
        raise WrongVersionError(f"version {version} of the secret is not {PENDING}")
    return found
