"""A message bus and firewalld for one test, in the network namespace that this is started in.

serve.py FOLDER PROCESS [UNPACKED]: the bus listens at FOLDER/bus. Returns when firewalld answers. Both end when the file
FOLDER/bus.pid is removed, or with the process of that number. UNPACKED is where the package firewalld has been unpacked;
without it, it has to be installed.
"""
import ctypes
import os
import signal
import subprocess
import sys
import time

CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE, MS_BIND = 0x4000, 0x40000, 0x1000

CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth><policy context="default">
<allow user="*"/><allow own="*"/><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/></policy></busconfig>
"""


def checked(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def serve(folder, process, unpacked, ready):
    libc = ctypes.CDLL(None, use_errno=True)
    checked(libc.unshare(CLONE_NEWNS))
    checked(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    checked(libc.mount(b"tmpfs", b"/run", b"tmpfs", 0, None))
    for path in ("/etc/firewalld", "/usr/lib/firewalld"):
        source = unpacked + path
        if unpacked and os.path.isdir(source):
            os.makedirs(path, exist_ok=True)
            checked(libc.mount(source.encode(), path.encode(), None, MS_BIND, None))
    socket, configuration = os.path.join(folder, "bus"), os.path.join(folder, "bus.conf")
    with open(configuration, "w") as file:
        file.write(CONFIGURATION % socket)
    environment = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS="unix:path=" + socket)
    if unpacked:
        environment["PYTHONPATH"] = unpacked + "/usr/lib/python3/dist-packages"
    log = open(os.path.join(folder, "firewalld.log"), "w")
    null = open(os.devnull)
    children = [
        subprocess.Popen(
            ["dbus-daemon", "--config-file=" + configuration, "--nofork", "--nopidfile"], stdin=null, stdout=log,
            stderr=log)
    ]
    try:
        wait_for(lambda: os.path.exists(socket), children)
        children.append(subprocess.Popen(
            ["/usr/bin/python3", "-s", unpacked + "/usr/sbin/firewalld", "--nofork", "--nopid", "--log-target=console"],
            stdin=null, stdout=log, stderr=log, env=environment))
        wait_for(lambda: answers(environment), children)
        mark = os.path.join(folder, "bus.pid")
        with open(mark, "w") as file:
            file.write(str(os.getpid()))
        os.write(ready, b"1")
        os.close(ready)
        while os.path.exists(mark) and os.path.exists(f"/proc/{process}"):
            time.sleep(0.1)
    finally:
        for child in reversed(children):
            child.send_signal(signal.SIGKILL)
            child.wait()


def wait_for(condition, children):
    deadline = time.monotonic() + 30
    while not condition():
        if time.monotonic() > deadline or any(child.poll() is not None for child in children):
            raise RuntimeError("it does not come up")
        time.sleep(0.05)


def answers(environment):
    """Whether firewalld has made its rules: it is on the bus before it has."""
    code = ("import dbus; o = dbus.SystemBus().get_object('org.fedoraproject.FirewallD1', '/org/fedoraproject/FirewallD1');"
            "print(dbus.Interface(o, 'org.freedesktop.DBus.Properties').Get('org.fedoraproject.FirewallD1', 'state'))")
    asked = subprocess.run(["/usr/bin/python3", "-c", code], env=environment, capture_output=True, text=True)
    return asked.stdout.strip() == "RUNNING"


def main():
    folder, process = sys.argv[1:3]
    unpacked = sys.argv[3] if len(sys.argv) > 3 else ""
    heard, ready = os.pipe()
    if os.fork() == 0:
        os.close(heard)
        os.setsid()
        # Nobody waits for what this process has open.
        for number in range(3):
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
        serve(folder, process, unpacked, ready)
        os._exit(0)
    os.close(ready)
    if os.read(heard, 1) != b"1":
        log = os.path.join(folder, "firewalld.log")
        sys.exit("firewalld does not come up: " + (open(log).read() if os.path.exists(log) else ""))


main()
