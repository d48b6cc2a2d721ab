"""Recipients: who got personal data from us is told when they were corrected, erased or restricted.

`telling` writes a notice for everybody who holds the data, `sending` posts those that go to a program, `answering`
takes their word or a person's, `minding` reminds and asks, `listed` says who was told. Source: GDPR Art. 19.
"""
