"""Whether the process has room for one more goal of a plain-text client.

A goal that was accepted takes room at once, not only when a worker has begun it: two goals sent at
the same moment must not both be given the last free worker.
"""

from collections.abc import Callable

from steersman.api.ports import Occupancy


class Place:
    """Room that an accepted goal takes until a worker has begun it."""

    def __init__(self, places: "list[Place]", goal: str) -> None:
        self._places = places
        self.goal = goal
        self.task_id: str | None = None
        places.append(self)

    def release(self) -> None:
        """Give the room back; again does nothing."""
        if self in self._places:
            self._places.remove(self)


class Admission:
    """All places of one process."""

    def __init__(self, occupancy: Callable[[], Occupancy]) -> None:
        self._occupancy = occupancy
        self._places: list[Place] = []

    def busy_with(self) -> str | None:
        """Return the goal that was begun first when there is no room, else None."""
        occupancy = self._occupancy()
        active = {task.task_id for task in occupancy.active}
        goals = [task.goal for task in occupancy.active]
        goals += [place.goal for place in self._places if place.task_id not in active]
        return goals[0] if len(goals) >= occupancy.capacity else None

    def take_place(self, goal: str) -> Place:
        """Take room for a goal."""
        return Place(self._places, goal)
