cdef class BlockFile:
    cdef public int fd
