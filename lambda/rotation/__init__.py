"""Rotation of the AUTH token that never locks a client out (§2.3, 7.3).

The way of one rotation, and where it is written down. P is the token before, C AWSCURRENT's, N the
one that is brought in; "accepts" is what the group takes.

    label ROTATING on    tag accepted   accepts     what comes next, and who does it
    nowhere              one C          C           createSecret: N and the label in one call
    N's version          one C          C           setSecret: tag, then ROTATE N
    N's version          two N          C, then N   testSecret, finishSecret: AWSCURRENT moves to N
    AWSCURRENT's         two C          P and C     the reconciler, when no client caches P: SET C
    AWSCURRENT's         set C          C           the reconciler: proves that P is refused
    nowhere              one C          C           nothing

Whoever calls, and however often: a step does what is left to do. A second rotation brings no token
of its own as long as the label is somewhere, and the reconciler goes on from every line.
"""
