import cython

from edge.blockfile cimport BlockFile
from edge.connection cimport Connection
from edge.entry cimport Entry
from edge.lanelog cimport LaneLog
from edge.primitives cimport Primitives
from edge.targets cimport Hot

cdef class FastLane:
    cdef public double turn_at
    cdef public Py_ssize_t wholes, parts, cut_short, _telling, _heard_every, _number
    cdef public list stirred, _unbilled, _heard
    cdef public LaneLog log
    cdef public object targets, blocks, cmsd, on_turn, stand_in
    cdef public object _by_line, _make_heads, _numerals, _lengths
    cdef public bint recalls
    cdef public bytes _id_line

    cpdef begin_turn(self, double at)

    @cython.locals(hot=Hot, end=Py_ssize_t, stop=Py_ssize_t)
    cpdef bint answer(self, Connection connection, bytes data) except -1

    @cython.locals(
        entry=Entry, file=BlockFile, log=LaneLog, recent=bytearray,
        shown=bytes, number=bytes, length=bytes, head=bytes, is_shown=cython.bint,
        start=Py_ssize_t, stop=Py_ssize_t, size=Py_ssize_t, size_bytes=Py_ssize_t,
        block_bytes=Py_ssize_t, block=Py_ssize_t, offset=Py_ssize_t, sent=Py_ssize_t,
        taken=Py_ssize_t,
    )
    cdef bint _part(self, Connection connection, Hot hot, bytes digits) except -1

    @cython.locals(
        entry=Entry, log=LaneLog, recent=bytearray, content=bytes, number=bytes, length=bytes,
        answer=bytes, size=Py_ssize_t, sent=Py_ssize_t,
    )
    cdef bint _whole(self, Connection connection, Hot hot) except -1

    @cython.locals(
        entry=Entry, file=BlockFile, recent=bytearray, files=list, number=bytes, length=bytes,
        head=bytes, block_bytes=Py_ssize_t, first=Py_ssize_t, last=Py_ssize_t, sent=Py_ssize_t,
        position=Py_ssize_t, taken=Py_ssize_t, offset=Py_ssize_t, size=Py_ssize_t,
    )
    cdef bint _run(
        self, Connection connection, Hot hot, bytes digits, bytes shown, Py_ssize_t start,
        Py_ssize_t stop,
    ) except -1

    cdef bytearray _stir(self, Entry entry)
    cdef _make(self, Hot hot)
    cdef _owe(
        self, Connection connection, Hot hot, bytes number, bytes digits, Py_ssize_t sent_bytes
    )
    cdef bint _break(
        self, Connection connection, Hot hot, bytes number, bytes digits, Py_ssize_t sent_bytes
    ) except -1
