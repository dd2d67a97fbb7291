"""The network part of a spawn by Nova's own z/VM driver, from its released package: NICs by Feilong, wait for Neutron's port, start the guest.

Disks and images are left out: the guest is there, logged off. Nova is told of a plugged port by Neutron's notification; here the port's status,
which causes that notification, is asked for.
"""
import contextlib
import json
import os
import sys
import time
import types
import urllib.request

# The client of Feilong that Nova imports, from the environment of Feilong.
sys.path.append(os.environ["ZVMCONNECTOR"])

from nova import conf, exception
from nova.virt.zvm import driver

spawn = json.loads(os.environ["SPAWN"])
conf.CONF([], project="nova", default_config_files=[])
conf.CONF.set_override("cloud_connector_url", spawn["feilong"], group="zvm")
conf.CONF.set_override("instance_name_template", "lnx%05x")
conf.CONF.set_override("vif_plugging_timeout", spawn["timeout"])


def status(port):
    with urllib.request.urlopen(f"{spawn['neutron']}/v2.0/ports/{port}") as answer:
        return json.load(answer)["port"]["status"]


class VirtAPI:
    """The part of nova-compute that waits for the events of an instance."""

    @contextlib.contextmanager
    def wait_for_instance_event(self, instance, event_names, timeout=300, error_callback=None):
        yield
        limit = time.monotonic() + timeout
        for _name, port in event_names:
            while status(port) != "ACTIVE":
                if time.monotonic() > limit:
                    raise exception.InstanceEventTimeout()
                time.sleep(0.25)


nova = driver.ZVMDriver(VirtAPI())
instance = types.SimpleNamespace(name=spawn["userid"].lower(), uuid=spawn["uuid"])
# guest_create registers the guest; of one that is logged off the NICs cannot be read, and it is registered all the same.
nova._hypervisor._reqh._conn.send_request("guest_register", spawn["userid"], "os_version=rhel7", "1")
try:
    nova._wait_vif_plug_events(instance.name, "rhel7", spawn["network_info"], instance)
    nova._hypervisor.guest_start(instance.name)
    outcome = "started"
except exception.VirtualInterfaceCreateException:
    outcome = "not plugged"
print(json.dumps({"outcome": outcome}))
