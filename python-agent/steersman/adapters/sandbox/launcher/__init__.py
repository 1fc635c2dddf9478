"""The process between the agent and a command. Only the standard library, because it starts often.

    agent ──lifeline, beats──▶ launcher ──lifeline──▶ guard ──▶ bwrap ──▶ command

The launcher has the workspace's lock and supervises. The guard is there for the case that the
launcher is killed. Both adopt orphans, so whichever of them dies, the other finds every process
below and ends it; a command in bwrap also dies by itself with its guard.
"""
