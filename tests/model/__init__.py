"""The ledger's protocol as an explicit-state model: every interleaving of a small case, searched to its end.

`world` is one moment, `scripts` the protocol, `steps` all that may happen, `invariants` what must hold,
`search` the search; `broken` has protocols with one rule left out, to prove that leaving it out is noticed.
`replay` takes the model's steps on the real scripts, `likeness` compares, `sample` chooses the traces.
`handover` is a second, smaller model: of bells, tickets, messages and pumps.
"""
