"""The commands of `vastine`, a module a family; each loads only when it is called."""
