cdef class Entry:
    cdef public Py_ssize_t size_bytes, block_bytes, count
    cdef public list files
    cdef public bytearray present, recent
    cdef public object borrowers, disk, files_name, gone, growing, head, hots, key, lines, loan
    cdef public object mark, number, object_id, readers, replaced, request_pairs, store_id, trace
    cdef public object validators, version, was_read, whole_lines

    cpdef list open_files(self, Py_ssize_t first, Py_ssize_t stop)
