"""Judges by the templates alone whether AWS would have allowed what our functions did here.

The embedded AWS checks neither permissions nor network paths. So every call and every connection
of a function is recorded, and afterwards held against the identity, resource and key policies, the
security groups, subnets and endpoints that the templates carry. Whatever this package does not
understand is a finding too: nothing is let through in silence.
"""
