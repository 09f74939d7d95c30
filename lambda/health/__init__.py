"""The health check (§2.4): whether the deployment is what the template asks for, and serves.

Two functions: ``handler`` outside the VPC asks AWS, where that takes no endpoints, and has
``inside`` log in to Redis. Neither changes anything but one key of its own, which expires.
"""
