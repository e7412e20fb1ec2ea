from __future__ import annotations

import os

from workers.slots import SharedFlag, Slots


def test_a_flag_is_seen_by_processes_forked_before_it_was_set() -> None:
    flag = SharedFlag()
    ready, told = os.pipe()
    child = os.fork()
    if not child:
        os.read(ready, 1)
        os._exit(7 if flag.is_set() else 8)

    flag.set()
    os.write(told, b"x")

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_slots_are_lent_as_far_as_there_are() -> None:
    slots = Slots(32)

    first, second = slots.take(20), slots.take(20)
    slots.give(5)

    assert (first, second, slots.take(20)) == (20, 12, 5)
