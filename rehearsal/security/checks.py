"""Every attack, in the order of the table: §6.2 asks for five things."""

from rehearsal.security import (
    commands,
    exposure,
    guessing,
    impostors,
    injection,
    logged_out,
    tokens,
    transport,
)
from rehearsal.security.outcome import Check

CHECKS = (
    # no unauthenticated access
    Check("no command before a login", logged_out.every_command),
    Check("wrong tokens are refused", tokens.refused),
    Check("restricted commands are refused", commands.restricted),
    # no brute force
    Check("refused logins are counted", tokens.counted),
    Check("guessing the token is hopeless", guessing.hopeless),
    Check("guesses fire the alarm", guessing.heard),
    # no command injection
    Check("identifiers reach nothing else", injection.harmless),
    # the port is not public
    Check("the address is private", exposure.private),
    Check("all listens on loopback only", exposure.loopback),
    Check("only security groups are let in", exposure.network),
    # TLS on every connection
    Check("plain text is not answered", transport.plain_text),
    Check("TLS before 1.2 is refused", transport.versions),
    Check("weak ciphers are refused", transport.ciphers),
    Check("clients refuse impostors", impostors.refused),
)
