"""A private Asterisk with a carrier, a primary platform and a mobile network, and faults by name.

The tests, `make demo` and `make faults` drive the same controllers, so that a fault shown to a
newcomer is the fault the tests prove. Nothing here is imported by the service.
"""
