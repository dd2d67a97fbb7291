"""Feilong's two processes, without its systemd packaging: `sdk`, which works on z/VM, and `rest PORT`, which answers HTTP in front of it."""
import builtins
import itertools
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

    application = init_application()
    calls = itertools.count()
    counted = [0]

    def counting(environ, start_response):
        """Feilong's application; the number of its calls so far by a path that it does not have."""
        if environ["PATH_INFO"] == "/calls-so-far":
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [str(counted[0]).encode()]
        counted[0] = next(calls) + 1
        return application(environ, start_response)

    serve(counting, host="127.0.0.1", port=int(sys.argv[2]), threads=32)
