"""An upgrade loses nothing: of the release that is deployed, and of its engine.

Production is deployed, real applications' clients decide all the time, the real CDK command line
upgrades it, and what must have survived is asked of real servers of the versions that are meant.
"""
