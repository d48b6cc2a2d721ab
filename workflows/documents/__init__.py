"""Letters, mails, the readable book and the package: everything a person gets to read."""
