"""The scheduled reviews (§7), one handler each, and the watch for one that did not run."""
