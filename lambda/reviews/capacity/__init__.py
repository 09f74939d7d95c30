"""The monthly capacity report: how each metric grows, and when it reaches its warning line."""
