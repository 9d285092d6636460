import cython

from edge.connection cimport Connection
from edge.fastlane cimport FastLane
from edge.lanelog cimport LaneLog
from edge.primitives cimport Primitives

cdef class Rounds:
    cdef public object poll
    cdef public Py_ssize_t idle_deadline
    cdef object _server, _wall_clock, _on_records
    cdef FastLane _lane

    @cython.locals(lane=FastLane, log=LaneLog, events=list)
    cpdef turn(self)

    @cython.locals(
        connection=Connection, lane=FastLane, data=bytes, connections=dict, fd=cython.int,
        event=cython.int,
    )
    cdef _handle(self, list events)
