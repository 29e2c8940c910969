variable "project_id" {
  description = "Project that the service runs in, and that deployments are made in."
  type        = string
}

variable "region" {
  description = "Region of the service, its buckets, its queue and its triggers."
  type        = string
}

variable "image" {
  description = "The service's image, best by digest: REGION-docker.pkg.dev/PROJECT/REPOSITORY/dify-reconciler@sha256:..."
  type        = string
}

variable "name" {
  description = "Name of the service; everything else is named after it."
  type        = string
  default     = "dify-reconciler"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,19}$", var.name))
    error_message = "3 to 20 characters a-z, 0-9 and -, because service accounts are named after it."
  }
}

variable "service_url" {
  description = "The address that tokens are made out to. Empty for the one that follows from name, project number and region; see the README before changing it."
  type        = string
  default     = ""
}

variable "spec_bucket" {
  description = "Name of the bucket for specs. Empty for PROJECT-dify-specs."
  type        = string
  default     = ""
}

variable "state_bucket" {
  description = "Name of the bucket for state. Empty for PROJECT-dify-state."
  type        = string
  default     = ""
}

variable "doorbell" {
  description = "How the spec bucket rings: eventarc, or pubsub for the bucket's own notification with a push subscription."
  type        = string
  default     = "eventarc"

  validation {
    condition     = contains(["eventarc", "pubsub"], var.doorbell)
    error_message = "Either eventarc or pubsub."
  }
}

variable "resync_schedule" {
  description = "When every deployment is looked at, as a five-field cron in UTC."
  type        = string
  default     = "*/15 * * * *"
}

variable "max_instances" {
  description = "Most instances of the service. One is enough for dozens of deployments."
  type        = number
  default     = 3
}

variable "auth_mode" {
  description = "verify: the service verifies tokens itself. trust-invoker-check: it relies on Cloud Run's invoker check, which takes the signatures off."
  type        = string
  default     = "trust-invoker-check"

  validation {
    condition     = contains(["verify", "trust-invoker-check"], var.auth_mode)
    error_message = "Either verify or trust-invoker-check."
  }
}

variable "spec_writers" {
  description = "Who may write specs, as IAM members: user:a@example.com, group:b@example.com."
  type        = set(string)
  default     = []
}

variable "labels" {
  description = "Labels of everything that can have them."
  type        = map(string)
  default     = {}
}

variable "ring_for_builds" {
  description = "Whether the topic cloud-builds is made here and rings. Set it to false where the project has that topic already, and subscribe to it by hand."
  type        = bool
  default     = true
}

variable "ring_for_images" {
  description = "Whether the topic gcr is made here and rings. Set it to false where the project has that topic already, and subscribe to it by hand."
  type        = bool
  default     = true
}

variable "ring_for_promotions" {
  description = "Whether the four topics of Cloud Deploy are made here and ring. Set it to false where the project has them already, and subscribe to them by hand."
  type        = bool
  default     = true
}

variable "ring_for_changes" {
  description = "Calls whose entries in the audit log ring at once, by a name of your own: drift is then put right within a minute instead of at the next resync. Every API's data access and every call of the cluster's own stay silent."
  type        = map(object({ service = string, method = string }))
  default     = {}
}

variable "ring_for_certificates" {
  description = "Whether changes of certificates ring through Eventarc. Without it a certificate is looked at every few minutes while it is waited for."
  type        = bool
  default     = false
}
