"""The load test (§6.1): 5000 users on the example application, and five judgements on it."""
