"""What the command line takes, shows and says when something fails."""
