# Ports of a VLAN as z/VM has them, for other resources. Nothing is changed.
terraform {
  required_version = ">= 1.4"
  required_providers {
    http = {
      source  = "hashicorp/http"
      version = "~> 3.4"
    }
  }
}

variable "gateway" {
  type        = string
  description = "URL of the gateway of networking-zvm"
}

variable "token" {
  type      = string
  sensitive = true
}

variable "host" {
  type    = string
  default = "zvm1"
}

variable "vlan" {
  type = number
}

data "http" "ports" {
  url = "${var.gateway}/v1/hosts/${var.host}/ports?vlan=${var.vlan}&limit=1000"

  request_headers = {
    Accept        = "application/json"
    Authorization = "Bearer ${var.token}"
  }

  retry {
    attempts     = 3
    min_delay_ms = 1000
  }

  lifecycle {
    postcondition {
      condition     = self.status_code == 200
      error_message = "${self.status_code}: ${try(jsondecode(self.response_body).detail, self.response_body)}"
    }
  }
}

output "macs" {
  description = "The MAC of each port, by its id"
  value       = { for port in jsondecode(data.http.ports.response_body).ports : port.portId => try(port.mac, null) }
}
