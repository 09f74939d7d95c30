"""Which repository's workflows may deliver an environment, and how: [delivery] (§2.4)."""

from typing import Annotated

from environments.section import Section, matching

# An owner and a repository as GitHub names them. A token has the number of both, or of none.
_NAME, _NUMBER = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", "@[1-9][0-9]{0,19}"
_REPOSITORY = matching(
    rf"(?!.*\.git(@|$))({_NAME}/{_NAME}|{_NAME}{_NUMBER}/{_NAME}{_NUMBER})",
    "{} is not a repository as GitHub's tokens name it",
    "Whoever's tokens carry this name may deploy: a pattern would let others in",
    "Write what Settings, Actions, OIDC shows between 'repo:' and the next colon, for example "
    '"your-organisation@1234/vibewell-redis@5678"',
)


class Delivery(Section):
    """GitHub's workflows, as AWS recognises them.

    ``repository`` is as in the subject of GitHub's tokens: ``owner@id/name@id``, or ``owner/name``
    for a repository from before June 2026. With ``approval`` the workflows execute only change
    sets that were prepared; without it they deploy at once. ``own_identity_provider`` makes the
    account's one identity provider for GitHub.
    Source: GitHub's OpenID Connect reference, "Immutable subject claims".
    """

    repository: Annotated[str, _REPOSITORY]
    approval: bool
    own_identity_provider: bool
