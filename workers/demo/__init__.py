"""`vastine demo`: invented people ask through the real doors, and every story is checked against its end."""
