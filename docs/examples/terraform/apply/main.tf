# Ports of z/VM guests by zvmnet: Terraform keeps the list, zvmnet makes it so.
terraform {
  required_version = ">= 1.4"
}

variable "host" {
  type    = string
  default = "zvm1"
}

variable "ports" {
  description = "The ports by their ids, UUIDs"
  type = map(object({
    userid  = string
    vswitch = string
    vlan    = number
  }))
}

locals {
  userids = toset([for port in var.ports : port.userid])
  desired = {
    host = var.host
    guests = [for userid in local.userids : {
      userid = userid
      ports = [for id, port in var.ports : {
        portId  = id
        vswitch = port.vswitch
        network = { type = "vlan", segmentationId = port.vlan }
      } if port.userid == userid]
    }]
  }
}

# A port that leaves the list is deleted. It is a resource of its own, so that a change of the port never deletes it.
resource "terraform_data" "existence" {
  for_each = var.ports
  input    = { host = var.host, port = each.key }

  provisioner "local-exec" {
    when    = destroy
    command = "zvmnet port delete \"$PORT\" --host \"$HOST\" --yes"
    environment = {
      HOST = self.output.host
      PORT = self.output.port
    }
  }
}

# JSON is YAML. Ports that the list does not name stay: no --prune.
resource "terraform_data" "ports" {
  triggers_replace = jsonencode(local.desired)
  depends_on       = [terraform_data.existence]

  provisioner "local-exec" {
    command     = "printf %s \"$DESIRED\" | zvmnet apply -f - --yes --live"
    environment = { DESIRED = jsonencode(local.desired) }
  }
}
