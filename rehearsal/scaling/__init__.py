"""Growth, tried on deployed environments: more shards, replicas and larger nodes, while it decides.

Everything is deployed by the CDK command line onto the embedded AWS; the limiter is the client
package, with the settings that the deployment publishes.
"""
