"""An application whose requests are limited, to try and to copy from."""
