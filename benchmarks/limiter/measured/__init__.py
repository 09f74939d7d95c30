"""What runs in a measured process: one candidate, and the load that is put on it.

It imports nothing of the parent's but the standard library, since its environment is another.
"""
