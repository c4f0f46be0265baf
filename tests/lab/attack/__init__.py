"""Who attacks in the lab: sweepers of numbers, senders of broken SIP, floods, clients that read or write nothing."""
