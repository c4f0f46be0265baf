"""Keeping the roster: sources are read (`sync`), heard (`hearing`) and kept (`book`), people decide (`plans`) and enter
(`hand`), and what follows is put in force (`force`). The doors know `desk` and `sync` alone."""
