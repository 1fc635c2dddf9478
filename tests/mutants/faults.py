"""Every fault that the tests must notice."""

from tests.mutants.effects import EFFECTS
from tests.mutants.fault import Fault
from tests.mutants.loop import LOOP
from tests.mutants.store import STORE
from tests.mutants.team import TEAM

FAULTS: tuple[Fault, ...] = (*STORE, *LOOP, *EFFECTS, *TEAM)
