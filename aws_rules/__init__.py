"""What AWS's rules mean, as pure functions. Imports nothing of ours; anyone may import it."""
