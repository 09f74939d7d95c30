"""What is measured of the client and tried against the deployment."""
