# The interface of primitives.py in C; what is inlined stands here, as Cython wants it.
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.exc cimport PyErr_SetFromErrno
from libc.errno cimport EINTR, errno
from libc.string cimport memchr, memcpy
from posix.types cimport off_t

from edge.connection cimport Connection

cdef extern from "sys/socket.h" nogil:
    ssize_t c_send "send"(int fd, const void *bytes, size_t size, int flags)

cdef extern from "sys/sendfile.h" nogil:
    ssize_t c_sendfile "sendfile"(int fd, int file_fd, off_t *offset, size_t size)

cdef extern from "unistd.h" nogil:
    ssize_t c_read "read"(int fd, void *bytes, size_t size)

cdef enum:
    READ_BYTES = 4096
    DIGITS_MAX = 18


# The macros of CPython look at no type: whoever uses them has asked `len`, which None has not.

cdef inline char *put(char *at, bytes text) noexcept:
    memcpy(at, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
    return at + PyBytes_GET_SIZE(text)


cdef inline const char *number_end(const char *at, const char *end, Py_ssize_t *number) noexcept:
    """Where the digits end; at their beginning when there are none, or too many."""
    cdef const char *start = at
    number[0] = 0
    while at < end and c'0' <= at[0] <= c'9':
        if at - start == DIGITS_MAX:
            return start
        number[0] = number[0] * 10 + (at[0] - c'0')
        at += 1
    return at


cdef class Primitives:
    @staticmethod
    cdef inline bytes read(int fd, Py_ssize_t size):
        cdef char room[READ_BYTES]
        cdef ssize_t count
        while True:
            count = c_read(fd, room, min(size, <Py_ssize_t>READ_BYTES))
            if count >= 0:
                return PyBytes_FromStringAndSize(room, count)
            if errno != EINTR:
                PyErr_SetFromErrno(OSError)

    @staticmethod
    cdef inline Py_ssize_t send(Connection connection, bytes data, int flags) except -1:
        cdef ssize_t count
        cdef Py_ssize_t size = len(data)
        if connection.channel is not None:
            return connection.send(data, flags)
        while True:
            count = c_send(connection.fd, PyBytes_AS_STRING(data), size, flags)
            if count >= 0:
                return count
            if errno != EINTR:
                PyErr_SetFromErrno(OSError)

    @staticmethod
    cdef inline Py_ssize_t send_file(
        Connection connection, int file_fd, Py_ssize_t offset, Py_ssize_t size
    ) except -1:
        cdef ssize_t count
        cdef off_t at = offset
        if connection.channel is not None:
            return connection.send_file(file_fd, offset, size)
        while True:
            count = c_sendfile(connection.fd, file_fd, &at, size)
            if count >= 0:
                return count
            if errno != EINTR:
                PyErr_SetFromErrno(OSError)

    @staticmethod
    cdef inline Py_ssize_t target_end(bytes data) except -2:
        cdef Py_ssize_t size = len(data)
        cdef const char *start = PyBytes_AS_STRING(data)
        cdef const char *found = NULL
        if size > 4:
            found = <const char *>memchr(start + 4, c' ', size - 4)
        return -1 if found == NULL else found - start

    @staticmethod
    cdef inline (Py_ssize_t, Py_ssize_t, bint) interval(
        bytes digits, Py_ssize_t size_bytes
    ) except *:
        cdef Py_ssize_t size = len(digits)
        cdef const char *first = PyBytes_AS_STRING(digits)
        cdef const char *end = first + size
        cdef const char *hyphen
        cdef Py_ssize_t start, last
        hyphen = number_end(first, end, &start)
        if hyphen == first or hyphen == end or hyphen[0] != c'-':
            return (0, 0, False)
        if hyphen + 1 == end:
            return (start, size_bytes, False)
        if number_end(hyphen + 1, end, &last) != end:
            return (0, 0, False)
        if last + 1 >= size_bytes or first[0] == c'0' or hyphen[1] == c'0':
            return (start, min(last + 1, size_bytes), False)
        return (start, last + 1, True)

    @staticmethod
    cdef inline bytes hexadecimal(size_t number):
        cdef char text[16]
        cdef int at = 16
        cdef int digit
        while True:
            at -= 1
            digit = number & 15
            text[at] = (c'0' if digit < 10 else c'a' - 10) + digit
            number >>= 4
            if number == 0:
                return PyBytes_FromStringAndSize(text + at, 16 - at)

    @staticmethod
    cdef inline bytes joined(bytes a, bytes b, bytes c, bytes d, bytes e, bytes f):
        cdef bytes text = PyBytes_FromStringAndSize(
            NULL, len(a) + len(b) + len(c) + len(d) + len(e) + len(f)
        )
        put(put(put(put(put(put(PyBytes_AS_STRING(text), a), b), c), d), e), f)
        return text


cdef class Lines:
    cdef readonly Py_ssize_t count
    cdef char *room
    cdef Py_ssize_t room_bytes
    cdef Py_ssize_t used_bytes
    cpdef add(self, bytes a, bytes b, bytes c, bytes d, bytes e, bytes f, bytes g, bytes h)
    cpdef bytes take(self)
