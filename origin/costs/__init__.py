"""What titles cost: bytes as edges report them, kept by day, times the operator's prices.

pricing   sums of bytes to rows with a cost
table     rows as CSV
handlers  the endpoints
declared  what they take and answer
"""
