"""Orders to the edges: purge, warm, pin, unpin. Given through the journal, answered by receipts."""
