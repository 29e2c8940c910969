# What somebody else changed: entries of the audit log, which a trigger names by service and method, and certificates.
# Both are only a faster way to what the resync job finds anyway.

resource "google_eventarc_trigger" "changes" {
  for_each = var.ring_for_changes

  name            = "${var.name}-change-${each.key}"
  location        = var.region
  service_account = google_service_account.events.email
  labels          = local.labels

  matching_criteria {
    attribute = "type"
    value     = "google.cloud.audit.log.v1.written"
  }
  matching_criteria {
    attribute = "serviceName"
    value     = each.value.service
  }
  matching_criteria {
    attribute = "methodName"
    value     = each.value.method
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

resource "google_eventarc_trigger" "certificates" {
  for_each = var.ring_for_certificates ? toset(["updated", "deleted"]) : toset([])

  name            = "${var.name}-certificate-${each.key}"
  location        = "global"
  service_account = google_service_account.events.email
  labels          = local.labels

  matching_criteria {
    attribute = "type"
    value     = "google.cloud.certificatemanager.certificate.v1.${each.key}"
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
