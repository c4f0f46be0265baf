"""The tests of Ringfence, and the lab they share with the demo."""
