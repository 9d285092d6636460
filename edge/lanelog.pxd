from edge.primitives cimport Lines

cdef class LaneLog:
    cdef public Lines lines, _cut
    cdef public bytes start, _behind_time, _second_text
    cdef public object _second
    cdef public double _from, _until

    cpdef begin(self, double at)
