"""Prints the documents of a rendered chart, without those of kinds that Kubernetes itself does not have."""

import sys

import yaml

with open(sys.argv[1], encoding="utf-8") as rendered:
    documents = [each for each in yaml.safe_load_all(rendered) if each]
own = [each for each in documents if not each["apiVersion"].startswith("keda.sh/")]
print(yaml.safe_dump_all(own))
