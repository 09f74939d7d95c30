"""What the dashboard of a deployment shows under load, recorded from a rehearsal's CloudWatch."""
