"""The proof that `make restore` brings a lost group back for good (§4.2, §8)."""
