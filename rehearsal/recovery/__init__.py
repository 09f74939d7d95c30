"""The recovery test run for real: a snapshot taken, restored and verified, and every way it fails.

Nothing is read from the functions' code: the state machine is started by its schedule, broken from
outside, and judged by its history, by the channel, and by what is left.
"""
