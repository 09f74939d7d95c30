"""What a decision and an identity cost the Redis that decides: processor time, memory, connections.

Processor time and bytes, never wall-clock time: others may use the machine meanwhile.
"""
