# The spec bucket rings through Eventarc. A trigger cannot look at object names; the service does.

data "google_storage_project_service_account" "storage" {
  depends_on = [google_project_service.needed]
}

# Cloud Storage publishes what happened, for Eventarc and for a notification alike.
resource "google_project_iam_member" "storage_publishes" {
  project = var.project_id
  role    = "roles/pubsub.publisher"
  member  = data.google_storage_project_service_account.storage.member
}

resource "google_project_iam_member" "events_receives" {
  project = var.project_id
  role    = "roles/eventarc.eventReceiver"
  member  = google_service_account.events.member
}

resource "google_eventarc_trigger" "specs" {
  for_each = var.doorbell == "eventarc" ? toset(["finalized", "deleted", "archived"]) : toset([])

  name            = "${var.name}-${each.key}"
  location        = lower(google_storage_bucket.specs.location)
  service_account = google_service_account.events.email
  labels          = local.labels

  matching_criteria {
    attribute = "type"
    value     = "google.cloud.storage.object.v1.${each.key}"
  }
  matching_criteria {
    attribute = "bucket"
    value     = google_storage_bucket.specs.name
  }

  destination {
    cloud_run_service {
      service = google_cloud_run_v2_service.reconciler.name
      region  = google_cloud_run_v2_service.reconciler.location
      path    = "/events"
    }
  }

  # No retry_policy: the only value it takes, 1, would switch retries off.

  depends_on = [
    google_project_iam_member.storage_publishes,
    google_project_iam_member.events_receives,
    google_cloud_run_v2_service_iam_member.invokers,
  ]
}
