locals {
  # Cloud Run gives every service this address, and it is known before the service is there.
  derived_url = "https://${var.name}-${data.google_project.this.number}.${var.region}.run.app"
  service_url = var.service_url != "" ? var.service_url : local.derived_url

  spec_bucket  = var.spec_bucket != "" ? var.spec_bucket : "${var.project_id}-dify-specs"
  state_bucket = var.state_bucket != "" ? var.state_bucket : "${var.project_id}-dify-state"

  labels = merge({ "managed-by" = "terraform", "part-of" = var.name }, var.labels)

  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}
