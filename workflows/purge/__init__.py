"""Our own records go when their time is over, in stages, and nobody has to think of it.

How a person was proven goes at the decision, what was made for them to fetch thirty days later, what was written on
either side thirty days after the end, and all the rest when nobody can complain any more: then the key that sealed it
is destroyed. What is left says what was asked, when and how it ended, and of whom nobody can tell.

Source: GDPR Art. 5(1)(e), 5(2), 11(1), 17(1)(a).
"""
