"""Sites as they were before Ringfence came: three kinds of Asterisk with opening hours, recordings, hang-up handlers
and telephones of their own, each a folder of configuration here. `running` starts one, `rounds` calls it in all the
ways its people do, `beside` puts Ringfence next to it and takes it out again.
"""
