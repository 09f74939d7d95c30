"""The monthly proof that a backup can be restored (§4.2), in steps that a state machine calls.

    choose    the newest automatic snapshot, and the manifest of the sentinel keys
    restore   a throw-away group from it, with a token of its own
    look      until the group is there, or it is too late
    verify    every sentinel against the manifest, in a function that alone may log in
    remove    the group, until it is gone
    report    to the channel, and as metrics

A cancelled execution runs nothing of this: what it leaves is removed by the watch, which runs on a
schedule, and which publishes what the alarms look at. Another one keeps the sentinels in Redis.
"""
