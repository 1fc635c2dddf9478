"""Whole processes, asked from outside: the command line, the server, a killed and a new one."""
