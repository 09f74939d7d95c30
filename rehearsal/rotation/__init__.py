"""A rotation locks no client out: clients in constant use, through many rotations.

Production is deployed, its real rotation function runs, and real Redis nodes hold the tokens. The
hours that a client may cache the secret, and that the old token then lives, are seconds here.
"""
