"""The REST API for other systems of the house: file requests, follow them. People decide, in the console."""
