"""Which repository's workflows may deliver an environment, and how: [delivery] (§2.4)."""

from typing import Annotated

from environments.section import Section, matching

# An owner or a repository as GitHub names it, with the number that it keeps when it is renamed.
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}(@[0-9]{1,20})?"
_REPOSITORY = matching(
    f"{_NAME}/{_NAME}",
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
