"""What a change does to data, money and security, told before it is merged: ``make review``."""
