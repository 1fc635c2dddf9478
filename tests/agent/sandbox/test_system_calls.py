"""System calls that a command is refused, and what goes on working without them."""

import ctypes
import os
import struct

import pytest

from steersman.adapters.sandbox.system_calls import system_call_filter
from tests.agent.sandbox.running import Place

pytestmark = pytest.mark.slow  # real processes, a tenth of a second each

_HEAD = """
import ctypes, errno, os, socket, stat, struct
libc = ctypes.CDLL(None, use_errno=True)
NUMBERS = {
    "x86_64": dict(open=2, shmget=29, creat=85, chmod=90, fchmod=91, ptrace=101, mknod=133,
        add_key=248, request_key=249, keyctl=250, openat=257, mknodat=259, fchmodat=268,
        vm_readv=310, vm_writev=311, memfd_create=319, bpf=321),
    "aarch64": dict(mknodat=33, fchmod=52, fchmodat=53, openat=56, ptrace=117, shmget=194,
        add_key=217, request_key=218, keyctl=219, vm_readv=270, vm_writev=271, memfd_create=279,
        bpf=280),
}[os.uname().machine] | dict(io_uring_setup=425, openat2=437, pidfd_getfd=438, fchmodat2=452)
def call(name, *arguments):
    if name not in NUMBERS:
        return "ENOSYS"
    ctypes.set_errno(0)
    result = libc.syscall(NUMBERS[name], *arguments)
    return errno.errorcode[ctypes.get_errno()] if result < 0 else "done"
"""

_SET_ID = """
new = os.O_CREAT | os.O_WRONLY
for bits in (0o4755, 0o2755, 0o6755):
    open("there", "w").close()
    there = os.open("there", os.O_RDWR)
    os.symlink("/proc/self/fd/%d" % there, "link%d" % bits)
    how = ctypes.create_string_buffer(struct.pack("QQQ", new, bits, 0))
    print(
        call("chmod", b"there", bits), call("fchmod", there, bits),
        call("fchmodat", -100, b"there", bits), call("fchmodat2", -100, b"there", bits, 0),
        call("chmod", b"link%d" % bits, bits), call("creat", b"c%d" % bits, bits),
        call("open", b"o%d" % bits, new, bits), call("openat", -100, b"a%d" % bits, new, bits),
        call("openat", -100, b".", os.O_TMPFILE | os.O_RDWR, bits),
        call("openat2", -100, b"b%d" % bits, how, 24),
        call("mknod", b"m%d" % bits, stat.S_IFREG | bits, 0),
        call("mknodat", -100, b"n%d" % bits, stat.S_IFREG | bits, 0),
        call("io_uring_setup", 4, ctypes.create_string_buffer(120)),
    )
"""


async def _python(place: Place, program: str) -> list[str]:
    place.directory.mkdir(exist_ok=True)
    (place.directory / "try.py").write_text(_HEAD + program)
    result = await place.run("python3 try.py")
    assert (result.exit_code, result.ended_by) == (0, None), result.output
    return result.output.split()


async def test_no_setuid_or_setgid_file_can_be_made_by_any_call(sandbox: Place) -> None:
    said = await _python(sandbox, _SET_ID)
    made = [path for path in sandbox.directory.iterdir() if path.lstat().st_mode & 0o6000]
    assert (made, set(said)) == ([], {"EPERM", "ENOSYS"})


async def test_a_command_cannot_leave_a_setuid_shell(sandbox: Place) -> None:
    result = await sandbox.run("cp /bin/bash x && chmod 755 x && chmod 4755 x")
    assert ((sandbox.directory / "x").stat().st_mode & 0o7777, result.exit_code) == (0o755, 1)


async def test_the_first_process_is_out_of_reach(sandbox: Place) -> None:
    said = await _python(
        sandbox,
        """
where = ctypes.create_string_buffer(8)
vector = ctypes.create_string_buffer(struct.pack("QQ", ctypes.addressof(where), 8))
print(
    call("pidfd_getfd", os.pidfd_open(1), 3, 0), call("ptrace", 16, 1, 0, 0),
    call("ptrace", 0x4206, 1, 0, 0), call("vm_readv", 1, vector, 1, vector, 1, 0),
    call("vm_writev", 1, vector, 1, vector, 1, 0), len(os.listdir("/proc/1")),
)
""",
    )
    assert said == ["EPERM"] * 5 + ["0"]


async def test_a_debugger_may_trace_other_processes(sandbox: Place) -> None:
    said = await _python(
        sandbox,
        """
import signal, time
child = os.fork()
if child == 0:
    signal.pause()
print(call("ptrace", 16, child, 0, 0), os.WIFSTOPPED(os.waitpid(child, 0)[1]))
""",
    )
    assert said == ["done", "True"]


async def test_keys_of_the_agents_user_are_out_of_reach(sandbox: Place) -> None:
    said = await _python(
        sandbox,
        """
print(
    call("keyctl", 0, -3, 0), call("keyctl", 10, -4, b"user", b"any", 0),
    call("add_key", b"user", b"any", b"x", 1, -3), call("request_key", b"user", b"any", None, 0),
)
""",
    )
    assert said == ["EPERM"] * 4


async def test_the_keyring_of_the_agents_session_is_left_behind(place: Place) -> None:
    libc, machine = ctypes.CDLL(None), os.uname().machine
    keyctl, add_key = {"x86_64": (250, 248), "aarch64": (219, 217)}[machine]
    if libc.syscall(keyctl, 1, None) < 0:
        pytest.skip("there are no keyrings here")
    assert libc.syscall(add_key, b"user", b"planted", b"secret", 6, -3) > 0
    said = await _python(place, "print(call('keyctl', 10, -3, b'user', b'planted', 0))")
    assert said == ["ENOKEY" if place.kind == "none" else "EPERM"]


async def test_a_virtual_machines_host_and_the_kernels_odd_sockets_are_out_of_reach(
    sandbox: Place,
) -> None:
    said = await _python(
        sandbox,
        """
for family in range(46):
    for kind in (1, 2, 3, 5):
        made = libc.socket(family, kind, 0)
        if made >= 0:
            print(family)
            os.close(made)
            break
""",
    )
    assert set(said) <= {"1", "2", "10", "16"}
    assert "1" in said


async def test_memory_that_belongs_to_no_process_cannot_be_had(sandbox: Place) -> None:
    said = await _python(
        sandbox,
        """
print(
    call("memfd_create", b"x", 0), call("shmget", 0, 1 << 16, 0o1600),
    call("shmget", 0, 65 << 10, 0o1600), call("shmget", 0, ctypes.c_size_t(1 << 32), 0o1600),
    call("bpf", 0, ctypes.create_string_buffer(72), 72),
)
""",
    )
    assert said == ["ENOSYS", "done", "ENOMEM", "ENOMEM", "EPERM"]


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="of x86-64 only")
async def test_the_old_table_of_32_bit_calls_is_no_way_around(sandbox: Place) -> None:
    # mov eax, 20 (getpid); int 0x80; ret
    sandbox.directory.mkdir()
    (sandbox.directory / "old.py").write_text(
        "import ctypes, mmap\n"
        "page = mmap.mmap(-1, 4096, prot=7)\n"
        "page.write(bytes.fromhex('b814000000cd80c3'))\n"
        "ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()\n"
    )
    result = await sandbox.run("python3 old.py")
    assert result.exit_code == 128 + 31, result.output  # SIGSYS


@pytest.mark.skipif(os.geteuid() != 0, reason="only root owns the devices")
async def test_root_cannot_change_the_machines_devices_and_can_use_them(sandbox: Place) -> None:
    result = await sandbox.run(
        "for node in null zero full random urandom tty; do chmod 666 /dev/$node; done 2>&1 | wc -l;"
        " chmod 666 /proc/self/fd/0 2> /dev/null || echo refused; echo x > /dev/null && echo used"
    )
    assert result.output.split() == ["6", "refused", "used"]


def test_a_machine_that_we_do_not_know_has_no_filter() -> None:
    assert system_call_filter("riscv64") is None


@pytest.mark.parametrize(
    ("machine", "architecture", "chmod", "openat", "ptrace", "write"),
    [("x86_64", 0xC000003E, 91, 257, 101, 1), ("aarch64", 0xC00000B7, 52, 56, 117, 64)],
)
def test_the_filter_says_the_same_on_both_machines(
    machine: str, architecture: int, chmod: int, openat: int, ptrace: int, write: int
) -> None:
    program = system_call_filter(machine) or b""
    calls = (
        *((chmod, 5, 0o755), (chmod, 5, 0o4755), (chmod, 5, 1 << 32 | 0o755)),
        *((openat, 3, 0, 0o101, 0o644), (openat, 3, 0, 0o101, 0o2644), (openat, 3, 0, 0, 0o2644)),
        *((ptrace, 16, 1), (ptrace, 16, 2), (437,), (write, 1, 0o6000, 0o6000)),
    )
    verdicts = [_judge(program, architecture, *call) for call in calls]
    assert verdicts == [0, 1, 0, 0, 1, 0, 1, 0, 38, 0]
    assert _judge(program, architecture ^ 1, write) is None


def _judge(program: bytes, architecture: int, number: int, *arguments: int) -> int | None:
    """Return the errno of a call, 0 when it is allowed, None when its process is killed."""
    padded = (*arguments, *[0] * (6 - len(arguments)))
    known = struct.pack("<IIQ6Q", number, architecture, 0, *padded)
    steps = list(struct.iter_unpack("<HBBI", program))
    at = loaded = 0
    while True:
        code, then, otherwise, value = steps[at]
        at += 1
        match code:
            case 0x20:
                loaded = int.from_bytes(known[value : value + 4], "little")
            case 0x06:
                return {0x7FFF: 0, 0x8000: None}.get(value >> 16, value & 0xFFFF)
            case _:
                holds = {
                    0x15: loaded == value,
                    0x25: loaded > value,
                    0x35: loaded >= value,
                    0x45: loaded & value != 0,
                }[code]
                at += then if holds else otherwise


def test_the_filter_is_small_enough_for_a_pipe_and_for_the_kernel() -> None:
    for machine in ("x86_64", "aarch64"):
        assert 8 < len(system_call_filter(machine) or b"") < 4096 * 8
