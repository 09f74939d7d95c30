"""What several functions need: the secret, the group, a login, and how figures are published."""
