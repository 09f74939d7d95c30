"""The proof of a way on from every state: creations and updates that fail, and what follows."""
