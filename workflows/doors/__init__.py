"""Every door is tried every day by ourselves: what nobody can come through is noticed by us, not by an authority."""
