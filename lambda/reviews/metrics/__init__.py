"""The weekly review of metrics: this week beside last week and the warning lines."""
