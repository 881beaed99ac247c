"""What the command line does with a whole site: look, select, check, explain, change, clear up."""
