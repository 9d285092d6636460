from edge.entry cimport Entry

cdef class Hot:
    cdef public Entry entry
    cdef public double until, heads_until
    cdef public str title
    cdef public Py_ssize_t unbilled
    cdef public bytes head_200, head_206, size_text, content, log_whole, log_part
