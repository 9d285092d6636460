"""Byte stores: one contract (`base`), several bodies, one test suite over all of them."""
