"""`steersman up`: the whole system on one machine, without containers.

`plan` says what there is to start, `program` keeps a process up, `console` shows what they say.
"""
