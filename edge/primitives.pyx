"""What primitives.py does, in C; what is inlined stands in primitives.pxd."""

from libc.stdlib cimport free, realloc


cdef class Primitives:
    """Static methods of C, which Python calls by the functions below."""


def call_read(fd, size):
    """Primitives.read"""
    return Primitives.read(fd, size)


def call_send(connection, data, flags):
    """Primitives.send"""
    return Primitives.send(connection, data, flags)


def call_send_file(connection, file_fd, offset, size):
    """Primitives.send_file"""
    return Primitives.send_file(connection, file_fd, offset, size)


def call_target_end(data):
    """Primitives.target_end"""
    return Primitives.target_end(data)


def call_interval(digits, size_bytes):
    """Primitives.interval"""
    return Primitives.interval(digits, size_bytes)


def call_hexadecimal(number):
    """Primitives.hexadecimal"""
    return Primitives.hexadecimal(number)


def call_joined(a, b, c, d, e, f):
    """Primitives.joined"""
    return Primitives.joined(a, b, c, d, e, f)


cdef class Lines:
    """Lines of a log, in memory of their own that is used again."""

    def __dealloc__(self):
        free(self.room)

    cpdef add(self, bytes a, bytes b, bytes c, bytes d, bytes e, bytes f, bytes g, bytes h):
        """One more."""
        cdef Py_ssize_t more_bytes = (
            len(a) + len(b) + len(c) + len(d) + len(e) + len(f) + len(g) + len(h)
        )
        cdef char *room
        if self.used_bytes + more_bytes > self.room_bytes:
            room = <char *>realloc(self.room, (self.room_bytes + more_bytes) * 2)
            if room == NULL:
                raise MemoryError
            self.room = room
            self.room_bytes = (self.room_bytes + more_bytes) * 2
        put(put(put(put(put(put(put(put(self.room + self.used_bytes, a), b), c), d), e), f), g), h)
        self.used_bytes += more_bytes
        self.count += 1

    cpdef bytes take(self):
        """All of them, which are let go of."""
        cdef bytes lines = PyBytes_FromStringAndSize(self.room, self.used_bytes)
        self.used_bytes = 0
        self.count = 0
        return lines
