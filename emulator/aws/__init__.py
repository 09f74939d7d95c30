"""The embedded AWS: ministack, and what it lacks of the services that this project deploys."""
