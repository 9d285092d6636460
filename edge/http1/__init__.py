"""HTTP/1.1 messages as bytes in, records out (RFC 9112): no sockets, no clock, no policy.

fields     the field-line grammar, shared by both directions
request    a request head, strict: what is ambiguous is refused, never repaired
response   an answer's head and how its body is framed
chunked    the chunked transfer coding, decoded piece by piece
"""
