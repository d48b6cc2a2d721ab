"""What happens: read this first.

A person asks about their own data. **Intake** keeps the message sealed before anyone understands it, opens a
request, starts the clock and says so. **Verification** sends a code to the contact on file, or takes the word of
named staff. **Collection** asks every source, in rounds, until nothing new leads on. **Holds** match what was found
against what the law keeps, record by record, and freeze a plan. **Decision** is people's: an erasure needs two.
**Delivery** packs what was found; **erasure** treats exactly what was approved, and **proof** looks again.
**Closing** writes the letter; what was kept waits for its day and goes by itself.

    stages/       one module a stage: prepare (in the claim) · work (no transaction) · settle (under the request's lock)
    lifecycle     the one table of (state, event) → state, and the only writer of a request's state
    engine        claim → work → settle; follows one request to where it must wait
    rules/        pure functions: facts in, verdict out, each with its source in law
    register/     one controller, as typed data
    connectors/   how sources are searched and erased · documents/ what people get to read · adapters/ the rest outside
    mailroom, post, sweeps, reminding   mail in, mail out, what was left behind, who must hear of it
    wiring        the only module that knows which class implements which port
"""
