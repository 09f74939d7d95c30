"""The scheduled reviews (§7): a handler each, and the watch that tells when one did not run."""
