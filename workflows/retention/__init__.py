"""Data whose time is over, erased without anybody asking: found by the rules, frozen, approved by two, carried out."""
