cdef class Connection:
    cdef public object server, sock, channel, recv, send, send_file
    cdef public object head, file, body, owed, exchange, hint, reader, paced
    cdef public bint neighbour, inner, readable, eof, closing, corked, lingering, ended, idle
    cdef public bint sends_cmcd
    cdef public int fd
    cdef public str peer
    cdef public bytes client, buffer, cmsd, part, whole, before, after, plain
    cdef public Py_ssize_t offset, left, sent_bytes, deadline
    cdef public Py_ssize_t before_size, after_size, plain_size

    cpdef cork(self, bint on)
