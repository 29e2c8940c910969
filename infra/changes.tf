# What somebody else changed: entries of the audit log, which a trigger names by service and method, and certificates.
# Both are only a faster way to what the resync job finds anyway.

locals {
  # By the end of the trigger's name: where it is heard, and which events it is.
  change_triggers = merge(
    {
      for name, change in var.ring_for_changes : "change-${name}" => {
        location = var.region
        criteria = tomap({
          type        = "google.cloud.audit.log.v1.written"
          serviceName = change.service
          methodName  = change.method
        })
      }
    },
    {
      for what in var.ring_for_certificates ? ["updated", "deleted"] : [] : "certificate-${what}" => {
        location = "global"
        criteria = tomap({ type = "google.cloud.certificatemanager.certificate.v1.${what}" })
      }
    },
  )
}

resource "google_eventarc_trigger" "changes" {
  for_each = local.change_triggers

  name            = "${var.name}-${each.key}"
  location        = each.value.location
  service_account = google_service_account.events.email
  labels          = local.labels

  dynamic "matching_criteria" {
    for_each = each.value.criteria
    content {
      attribute = matching_criteria.key
      value     = matching_criteria.value
    }
  }

  destination {
    cloud_run_service {
      service = google_cloud_run_v2_service.reconciler.name
      region  = google_cloud_run_v2_service.reconciler.location
      path    = "/events"
    }
  }

  depends_on = [
    google_project_iam_member.events_receives,
    google_cloud_run_v2_service_iam_member.invokers,
  ]
}
