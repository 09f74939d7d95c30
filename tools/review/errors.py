"""Why no verdict could be given."""


class ReviewError(Exception):
    """One message for the person who asked: what is wrong, where, and what to do instead."""
