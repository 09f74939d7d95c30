"""A picture of the deployment, drawn from synthesised templates: nothing in it is by hand."""
