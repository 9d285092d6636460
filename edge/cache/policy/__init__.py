"""Rules for which blocks are kept, behind one interface. Pure: the moment is an argument.

slots       units in flat arrays, and rings through them
order       the interface: what a rule is told and asked
lru fifo sieve s3fifo   rules that know a unit by its own uses
survival titlelfu       the rule that knows units as positions of titles
shadow duel             two rules tried on a sample of the titles, the better one decides
kinds shares            kinds of content, a share of the bytes and a rule for each
second_request          admission: what nobody has asked for before is not written
named       rules by the names that settings and `cinedge simulate` use
"""
