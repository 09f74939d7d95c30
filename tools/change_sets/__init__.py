"""A deployment in two halves: prepared as change sets, then executed exactly as it was approved."""
