"""What is reviewed on a schedule, and told in the channel with a page that has the detail."""
