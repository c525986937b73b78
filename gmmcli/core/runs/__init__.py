"""What a fit leaves: its result, its history, its parameters, its directory."""
