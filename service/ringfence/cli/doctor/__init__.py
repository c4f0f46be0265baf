"""`ringfence doctor`: every link between Ringfence and Asterisk, walked one by one.

A check is one small function in one of the `*_checks.py`; `registry.py` lists them in order and runs them. None of
them changes anything but the scratch key `ringfence/doctor` in AstDB.
"""
