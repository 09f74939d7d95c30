"""No decision is later than its deadline while Redis hangs, pauses and loses connections."""
