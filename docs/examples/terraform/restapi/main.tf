# Ports of z/VM guests by the HTTP API, with a provider for any REST API.
terraform {
  required_version = ">= 1.4"
  required_providers {
    restapi = {
      source  = "Mastercard/restapi"
      version = "~> 3.0"
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

variable "ports" {
  description = "The ports by their ids, UUIDs"
  type = map(object({
    userid  = string
    vswitch = string
    vlan    = number
  }))
}

provider "restapi" {
  uri          = var.gateway
  bearer_token = var.token
  timeout      = 130
  # The answer is that of the ended operation: a refusal or a failure is one of Terraform, too.
  headers = {
    "Content-Type"  = "application/json"
    "Prefer"        = "wait=110"
    "Change-Reason" = "Terraform"
  }
}

resource "restapi_object" "port" {
  for_each  = var.ports
  path      = "/v1/hosts/${var.host}/guests/${urlencode(each.value.userid)}/ports"
  object_id = each.key

  # POST makes ports as they are given, new or not.
  create_method = "POST"
  update_method = "POST"
  update_path   = "/v1/hosts/${var.host}/guests/${urlencode(each.value.userid)}/ports"
  data = jsonencode({
    live = true
    ports = [{
      portId  = each.key
      vswitch = each.value.vswitch
      network = { type = "vlan", segmentationId = each.value.vlan }
    }]
  })

  # A reading has another form than a change. Drift of z/VM is what reconciliation repairs.
  ignore_all_server_changes = true
}
