"""The ladder of proofs: which is enough for a case, how one is asked for, and who may accept less."""
