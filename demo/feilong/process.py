"""Feilong's two processes, without its systemd packaging: `sdk`, which works on z/VM, and `rest PORT`, which answers HTTP in front of it."""
import builtins
import os
import sys

from smtLayer import getHost
from zvmsdk import config, log

# Only kernels of s390x have /proc/sysinfo.
SYSINFO = os.environ["ZHCP_SYSINFO"]
getHost.open = lambda path, *rest: builtins.open(SYSINFO if path == "/proc/sysinfo" else path, *rest)

config.load_config()
log.setup_log()
if sys.argv[1] == "sdk":
    from zvmsdk import sdkserver

    sdkserver.start_daemon()
else:
    from waitress import serve
    from zvmsdk.sdkwsgi.deploy import init_application

    serve(init_application(), host="127.0.0.1", port=int(sys.argv[2]), threads=32)
