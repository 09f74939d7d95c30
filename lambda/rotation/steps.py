"""The four steps as Secrets Manager calls them: each may run any number of times, in any order.

A step does what is left to do and returns, or changes nothing more and raises the reason. None of
them waits. Each takes the id of the version that is to become AWSCURRENT, which Secrets Manager
calls ClientRequestToken.
"""

from rotation.tools import Tools
from shared import versions as tags
from shared.auth_token import new_text
from shared.errors import NotYetError, WrongVersionError
from shared.versions import CURRENT, PENDING, ROTATING, Versions


def create_secret(tools: Tools, version: str) -> None:
    """Give the version a token: a new one only if none is on its way already.

    Raises NotYetError while the token before AWSCURRENT's is not retired, and WrongVersionError
    for a version that is not AWSPENDING.
    """
    found = tools.secret.versions()
    if version == found.current:
        return
    _require(found, version, PENDING, ROTATING)
    if found.unretired:
        raise NotYetError("the token before the present one is not retired yet")
    own, rotating = tools.secret.find_token(version), found.rotating
    if rotating is None and found.perhaps_two_accepted:
        raise NotYetError(f"{ROTATING} was removed by hand: the group may accept an unknown token")
    if rotating is None and own is None:
        tools.secret.put(version, new_text())
    elif rotating is None:
        tools.secret.move(ROTATING, origin=None, to=version)
    elif rotating != version and own is None:
        # The rotation before was interrupted. Its token may be in use: a third would evict one.
        tools.secret.put(version, tools.secret.token(rotating).text)
    elif rotating != version:
        raise NotYetError(f"version {rotating} is being rotated in first")


def set_secret(tools: Tools, version: str) -> None:
    """Have the group accept the version's token besides AWSCURRENT's: starts it and returns.

    Raises NotYetError while the group takes no change, DisagreementError if it refuses AWSCURRENT,
    and WrongVersionError for a version that createSecret has not prepared.
    """
    found = tools.secret.versions()
    if version == found.current:
        return
    _require(found, version, ROTATING)
    token = tools.secret.token(version)
    group = tools.group.describe()
    if tools.log_in(group.first, token):
        return
    group.require_settled()
    current = tools.secret.token(found.current)
    tools.prove_current(current, group.first)
    previous = tools.secret.find_token(found.previous) if found.previous else None
    if previous and previous not in (current, token) and tools.log_in(group.first, previous):
        # ROTATE would evict it unannounced. Our label marks AWSCURRENT as unretired again; the
        # version's own token is in no group, so nothing is lost with the label.
        tools.secret.move(ROTATING, origin=version, to=found.current)
        raise NotYetError("the group still accepts AWSPREVIOUS's token: it is retired first")
    tools.secret.tag(tags.accepted("two", version, tools.clock()))
    tools.group.rotate(token)


def test_secret(tools: Tools, version: str) -> None:
    """Log in on every endpoint with the version's token.

    At a deployment Secrets Manager calls this alone, on a version that was never rotated in: then
    it is AWSCURRENT's token that must open the group. Raises NotYetError while the version's token
    does not, and DisagreementError if AWSCURRENT's does not.
    """
    found = tools.secret.versions()
    _require(found, version, PENDING, ROTATING, CURRENT)
    if version == found.rotating and not found.unretired:
        tools.prove_brought_in(tools.secret.token(version))
    else:
        endpoints = tools.group.describe().endpoints
        tools.prove_current(tools.secret.token(found.current), *endpoints)


def finish_secret(tools: Tools, version: str) -> None:
    """Move AWSCURRENT to the version, having logged in with its token on every endpoint.

    Then writes down when: never too early, for the old token is retired some time later. So a
    time that is left from an earlier move to the same version is taken away before.
    Raises NotYetError while the token is refused, and WrongVersionError as set_secret does.
    """
    found = tools.secret.versions()
    if version == found.current:
        return
    _require(found, version, ROTATING)
    tools.prove_brought_in(tools.secret.token(version))
    if found.was_current_once(version):
        tools.secret.untag(tags.CURRENT_SINCE)
    tools.secret.move(CURRENT, origin=found.current, to=version)
    tools.secret.tag(tags.since(version, tools.clock()))


def _require(found: Versions, version: str, *labels: str) -> None:
    if not any(found.by_label.get(label) == version for label in labels):
        raise WrongVersionError(f"version {version} of the secret is not {' or '.join(labels)}")
